/**
 * `npm run bench:registry [-- --quick] [--rounds N] [--only NAME]`: an image pulled from a registry and flattened, beside other tools that
 * do it, and once more from the cache, beside inflating its layers. The registry is Debian's docker-registry on a port of
 * this machine, its data in memory-backed files where there is room. Says so and ends where it or skopeo lacks.
 */
import { mkdir, rm, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { expectedTree } from './check-tree.mjs';
import { contest } from './contest.mjs';
import { distributionLayers } from './distribution-layers.mjs';
import { withDockerRegistry } from './docker-registry.mjs';
import { rowOf } from './figures.mjs';
import { describeMachine, isOnPath } from './machine.mjs';
import { registryContenders } from './registry-contenders.mjs';
import { formatTable, writeReadme } from './report.mjs';
import { roomiest, withFolder } from './scratch.mjs';
import { outputOf } from './shell.mjs';
import { IMAGE_NAME, writeImage } from './write-image.mjs';

/** @type {Omit<import('./bars.mjs').Bar, 'stage'>[]} */
const BARS = [
  {
    name: 'cold',
    work: 'pulled into an empty cache and flattened, verified',
    figure: 'time',
    measured: 'cold',
    beside: 'skopeo',
    limit: 0.5,
  },
  { name: 'cold', work: 'the same beside crane', figure: 'time', measured: 'cold', beside: 'crane', limit: 0.5 },
  { name: 'cold', work: 'peak memory', figure: 'peak', measured: 'cold' },
  {
    name: 'warm',
    work: 'again, from the cache to /dev/null',
    figure: 'time',
    measured: 'warm',
    beside: 'inflate',
    limit: 1.2,
  },
  {
    name: 'warm',
    work: 'the same beside inflating at its fastest',
    figure: 'time',
    measured: 'warm',
    beside: 'inflateTuned',
  },
  { name: 'offline', work: 'the same without the registry', figure: 'time', measured: 'offline', beside: 'inflate' },
  {
    name: 'offline',
    work: 'the same beside inflating on one processor',
    figure: 'time',
    measured: 'offline',
    beside: 'inflateOne',
    limit: 0.9,
  },
  {
    name: 'offline',
    work: 'the same through a pipe: the first byte',
    figure: 'firstByte',
    measured: 'offlinePipe',
    limit: 0.5,
  },
  { name: 'offline', work: 'peak memory', figure: 'peak', measured: 'offline', limit: 150 },
];

/** As a part of the usual image: 1 GB compressed. */
const SCALE = 1.35;
const OTHERS = ['docker-registry', 'skopeo', 'umoci', 'crane'];

const { values } = parseArgs({
  options: { rounds: { type: 'string' }, quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const { quick, only } = values;
const bars = BARS.filter(({ name }) => only === undefined || name === only);
if (bars.length === 0) throw new Error(`--only takes one of ${[...new Set(BARS.map(({ name }) => name))].join(', ')}`);
const rounds = Number(values.rounds ?? (quick ? 1 : 3));
if (!(rounds >= 1 && rounds <= 3)) throw new Error(`--rounds takes 1, 2 or 3, not "${values.rounds}"`);
const found = new Set();
for (const program of OTHERS) if (await isOnPath(program)) found.add(program);
const lacking = ['docker-registry', 'skopeo'].filter((program) => !found.has(program));
if (lacking.length > 0) say(`skipped: it needs ${lacking.join(', ')}`);
else {
  const place = await roomiest((quick ? 1 : 12) * 2 ** 30);
  await withFolder(place, async (folder) => {
    const { rows, size } = await withDockerRegistry(folder, (host) => compare(folder, host));
    const count = rounds === 1 ? 'One round.' : `Medians of ${rounds} rounds.`;
    const text = `${await describeMachine(place, OTHERS)} ${count} ${size}\n\n${formatTable(rows)}`;
    console.log(quick ? `Small inputs, to try it only. ${text}` : text);
    if (!quick && only === undefined) await writeReadme('registry figures', text);
  });
}

/** @param {string} folder @param {string} host */
async function compare(folder, host) {
  say('making the image');
  await mkdir(`${folder}/image`);
  const layers = distributionLayers(quick ? 0.1 : SCALE);
  const image = await writeImage(`${folder}/image`, layers, ['gzipLayout']);
  await rm(image.archive); // nobody reads it here
  say('pushing it');
  const name = `${host}/${IMAGE_NAME}`;
  const copy = 'skopeo --insecure-policy copy --quiet --dest-tls-verify=false';
  await outputOf(`${copy} oci:${image.also.gzipLayout}:1 docker://${name}`);
  say('filling the cache');
  const setting = { folder, name, image, expected: expectedTree(layers) };
  const contenders = await registryContenders(setting, (program) => found.has(program));
  const wanted = new Set(bars.flatMap(({ measured, beside }) => [measured, beside]));
  const results = await contest(new Map([...contenders].filter(([key]) => wanted.has(key))), rounds, say);
  const bytes = await compressedSize(image.gzipBlobs);
  const size = `The image: ${gigabytes(bytes)} compressed, ${gigabytes(image.layerBytes)} unpacked, ${image.entries.toLocaleString('en')} entries.`;
  return { rows: bars.map((bar) => rowOf({ stage: '', ...bar }, results)), size };
}

/** @param {string[]} blobs */
async function compressedSize(blobs) {
  let bytes = 0;
  for (const blob of blobs) bytes += (await stat(blob)).size;
  return bytes;
}

/** @param {number} bytes */
function gigabytes(bytes) {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** @param {string} line */
function say(line) {
  console.error(`bench: registry: ${line}`);
}
