/**
 * `npm run bench:engine [-- --quick]`: dimgx beside `docker save`, from an engine of its own whose data lie on the disk of the
 * temporary folder. Needs root, dockerd and docker; says so and ends where one lacks.
 */
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { expectedTree } from './check-tree.mjs';
import { Contenders } from './contenders.mjs';
import { contest } from './contest.mjs';
import { distributionLayers } from './distribution-layers.mjs';
import { withDockerd } from './dockerd.mjs';
import { rowOf } from './figures.mjs';
import { describeMachine, isOnPath } from './machine.mjs';
import { formatTable, writeReadme } from './report.mjs';
import { roomiest, withFolder } from './scratch.mjs';
import { outputOf, quote } from './shell.mjs';
import { IMAGE_NAME, writeImage } from './write-image.mjs';

const ROUNDS = 3;

/** @type {Omit<import('./bars.mjs').Bar, 'name' | 'stage'>[]} */
const BARS = [
  {
    work: 'image of the engine to /dev/null, verified',
    figure: 'time',
    measured: 'dimgx',
    beside: 'saved',
    limit: 0.2,
  },
  {
    work: 'the same, saved by the engine',
    figure: 'time',
    measured: 'saved',
    beside: 'save',
    limit: 1.15,
  },
  { work: 'peak memory', figure: 'peak', measured: 'dimgx', limit: 150 },
  {
    work: "from the engine's storage to /dev/null, verified",
    figure: 'time',
    measured: 'root',
    beside: 'save',
    limit: 0.15,
  },
  { work: 'the same', figure: 'time', measured: 'root', beside: 'archive', limit: 1.3 },
  { work: 'peak memory', figure: 'peak', measured: 'root', limit: 150 },
];

const { quick } = parseArgs({ options: { quick: { type: 'boolean', default: false } } }).values;
const lacking = process.getuid?.() === 0 ? [] : ['root'];
for (const program of ['dockerd', 'docker']) if (!(await isOnPath(program))) lacking.push(program);
if (lacking.length > 0) say(`skipped: it needs ${lacking.join(', ')}`);
else {
  const place = await roomiest((quick ? 1 : 6) * 2 ** 30);
  await withFolder(place, (folder) =>
    withFolder(tmpdir(), async (data) => {
      const rows = await withDockerd(data, (host) => compare(folder, host, `${data}/data`));
      const text = `${await describeMachine(place, ['dockerd'])} Medians of ${ROUNDS} rounds.\n\n${formatTable(rows)}`;
      console.log(quick ? `Small inputs, to try it only. ${text}` : text);
      if (!quick) await writeReadme('engine figures', text);
    }),
  );
}

/** @param {string} folder @param {string} host @param {string} data where the engine keeps images */
async function compare(folder, host, data) {
  say('making the image');
  await mkdir(`${folder}/image`);
  const layers = distributionLayers(quick ? 0.1 : 1);
  const image = await writeImage(`${folder}/image`, layers);
  const docker = `DOCKER_HOST=${quote(host)} docker`;
  say('loading it');
  await outputOf(`${docker} load --quiet --input ${quote(image.archive)}`);
  const reference = `docker-daemon:${IMAGE_NAME}`;
  const options = `--host ${quote(host)}`;
  const make = new Contenders(folder);
  const expected = () => expectedTree(layers);
  const dimgx = make.flatten(image, expected, { options, reference });
  const saved = { ...dimgx, command: `DIMGX_ENGINE_STORAGE=0 ${dimgx.command}` };
  /** @type {Map<string, import('./contest.mjs').Contender>} */
  const contenders = new Map([
    ['save', { title: 'docker save', command: `${docker} save ${IMAGE_NAME} >/dev/null`, slow: true }],
    ['dimgx', { ...dimgx, title: 'dimgx docker-daemon:…', slow: true }],
    ['saved', { ...saved, title: 'dimgx, DIMGX_ENGINE_STORAGE=0', slow: true }],
    [
      'root',
      {
        ...make.flatten(image, expected, { reference: `docker-root:${data}:${IMAGE_NAME}` }),
        title: 'dimgx docker-root:…',
      },
    ],
    ['archive', make.flatten(image, expected)],
  ]);
  const results = await contest(contenders, ROUNDS, say);
  return BARS.map((bar) => rowOf({ name: '', stage: '', ...bar }, results));
}

/** @param {string} line */
function say(line) {
  console.error(`bench: engine: ${line}`);
}
