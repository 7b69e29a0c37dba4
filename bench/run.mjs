/**
 * `npm run bench [-- --quick] [--rounds N] [--only NAME]`: measures every bar of bars.mjs and says which hold. Makes its own
 * inputs in memory-backed files where there is room, checks each contender's output before timing it, and leaves nothing
 * behind but the table in README.md, and that only after a whole run.
 */
import { mkdir, rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { BARS } from './bars.mjs';
import { contest } from './contest.mjs';
import { rowOf } from './figures.mjs';
import { describeMachine, isOnPath } from './machine.mjs';
import { formatTable, writeReadme } from './report.mjs';
import { diskFolder, roomiest, withFolder } from './scratch.mjs';
import { STAGES } from './stages.mjs';

const OTHERS = ['umoci', 'crane', 'zstd'];
/** Programs that tell no version. */
const PLAIN_OTHERS = ['mtree'];
const { values } = parseArgs({
  options: { rounds: { type: 'string' }, quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const { quick, only } = values;
const rounds = Number(values.rounds ?? (quick ? 1 : 5));
if (!(rounds >= 1)) throw new Error(`--rounds takes a number, not "${values.rounds}"`);
const bars = BARS.filter(({ name }) => only === undefined || name === only);
if (bars.length === 0) throw new Error(`--only takes one of ${[...new Set(BARS.map(({ name }) => name))].join(', ')}`);

const place = await roomiest((quick ? 1 : 10) * 2 ** 30);
const disk = await diskFolder();
await withFolder(place, (folder) => (disk ? withFolder(disk.path, (onDisk) => main(folder, onDisk)) : main(folder)));

/** @param {string} folder @param {string} [onDisk] */
async function main(folder, onDisk) {
  const found = new Set();
  for (const program of [...OTHERS, ...PLAIN_OTHERS]) if (await isOnPath(program)) found.add(program);
  let size = '';
  /** @type {Map<import('./bars.mjs').Bar, import('./figures.mjs').Row>} */
  const rows = new Map();
  for (const name of new Set(bars.map(({ stage }) => stage))) {
    const results = await runStage(name, `${folder}/${name}`, onDisk && `${onDisk}/${name}`, (program) =>
      found.has(program),
    );
    const image = results.get('verified')?.image;
    if (name === 'distribution' && image)
      size = ` The image: ${(image.layerBytes / 1e9).toFixed(2)} GB, ${image.entries.toLocaleString('en')} entries.`;
    for (const bar of bars) if (bar.stage === name) rows.set(bar, rowOf(bar, results));
  }
  const machine = await describeMachine(place, OTHERS);
  const kind = quick ? 'Small inputs, to try it only. ' : '';
  const table = formatTable(bars.flatMap((bar) => rows.get(bar) ?? []));
  const disks = disk ? ` "On a disk" is in ${disk.path}, ${disk.kind}.` : '';
  const text = `${kind}${machine}${disks} ${rounds === 1 ? 'One round.' : `Medians of ${rounds} rounds, of three at most for what is slow.`}${size}\n\n${table}`;
  console.log(text);
  if (!quick && only === undefined) await writeReadme('figures', text);
}

/** @param {string} name @param {string} folder @param {string | undefined} onDisk @param {(program: string) => boolean} has */
async function runStage(name, folder, onDisk, has) {
  const wanted = new Set(
    bars.filter(({ stage }) => stage === name).flatMap(({ measured, beside, start }) => [measured, beside, start]),
  );
  /** @param {string} line */
  const say = (line) => console.error(`bench: ${name}: ${line}`);
  const folders = [folder, onDisk].filter((path) => path !== undefined);
  for (const path of folders) await mkdir(path);
  say('making the input');
  const all = await STAGES[name]?.({
    folder,
    ...(onDisk && { disk: onDisk }),
    quick,
    has,
    wants: (contender) => wanted.has(contender),
  });
  const contenders = new Map(Object.entries(all ?? {}).filter(([contender]) => wanted.has(contender)));
  const results = await contest(contenders, rounds, say);
  for (const path of folders) await rm(path, { recursive: true });
  return results;
}
