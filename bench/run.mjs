/**
 * Times dimgx and a plain Node loop side by side: `npm run bench [-- --rounds N]`. Makes its own input, a seeded image in
 * memory-backed files where there is room, checks that dimgx flattens it rightly, measures in turn (A B C, A B C, …),
 * prints a table in Markdown, and leaves nothing behind.
 */
import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { actualListing, expectedListing } from './check.mjs';
import { writeImage } from './image.mjs';
import { measure, median } from './measure.mjs';

const NEEDED = 6 * 2 ** 30;
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });

const folder = await mkdtemp(`${await roomiest()}/dimgx-bench-`);
process.once('SIGINT', () => rm(folder, { recursive: true, force: true }).then(() => process.exit(130)));
try {
  await main(Number(values.rounds));
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** @param {number} rounds */
async function main(rounds) {
  say(`making an image in ${folder}`);
  const image = await writeImage(folder);
  const dimgx = `${script('../bin/dimgx.js')} --tmp-dir ${folder}`;
  await check(`$NODE ${dimgx} -t - ${image.archive}`);
  await check(`$NODE ${dimgx} -t - oci:${image.layout}`);

  const copy = `$NODE ${script('plain-copy.mjs')} ${image.archive}`;
  const inflate = `$NODE ${script('plain-inflate.mjs')} ${(await blobs(image.layout)).join(' ')}`;
  const verified = `$NODE ${dimgx} -t /dev/null ${image.archive}`;
  /** @type {[name: string, command: string, beside: string][]} the last is what its time is divided by */
  const contestants = [
    ['plain copy loop of the archive', copy, copy],
    ['`dimgx --no-verify -t /dev/null`', `$NODE ${dimgx} --no-verify -t /dev/null ${image.archive}`, copy],
    ['`dimgx -t /dev/null`', verified, copy],
    ['`dimgx -t - \\| cat >/dev/null`', `$NODE ${dimgx} -t - ${image.archive} | cat > /dev/null`, copy],
    ['library stream to nowhere', `$NODE ${script('library-stream.mjs')} ${image.archive}`, verified],
    ['plain inflate of the gzip layers', inflate, inflate],
    ['`dimgx --no-verify -t /dev/null oci:…`', `$NODE ${dimgx} --no-verify -t /dev/null oci:${image.layout}`, inflate],
    ['`dimgx -t /dev/null oci:…`', `$NODE ${dimgx} -t /dev/null oci:${image.layout}`, inflate],
  ];
  /** @type {Map<string, import('./measure.mjs').Measure[]>} */
  const runs = new Map(contestants.map(([, command]) => [command, []]));
  for (let round = 0; round <= rounds; round++) {
    say(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
    for (const [command, measures] of runs) {
      const measured = await measure(command);
      if (round > 0) measures.push(measured);
    }
  }
  const medians = new Map([...runs].map(([command, measures]) => [command, median(measures)]));
  const size = `${(image.bytes / 1e9).toFixed(2)} GB, ${image.entries.toLocaleString('en')} entries, 5 layers`;
  console.log(`${size}; ${availableParallelism()} cores, Node ${process.versions.node}, medians of ${rounds} rounds\n`);
  console.log('| | seconds | ratio | beside | peak memory |\n|---|---|---|---|---|');
  for (const [name, command, beside] of contestants) {
    const { seconds, megabytes } = medians.get(command) ?? { seconds: Number.NaN, megabytes: Number.NaN };
    const other = medians.get(beside)?.seconds ?? Number.NaN;
    const besideName = contestants.find((contestant) => contestant[1] === beside)?.[0];
    const ratio = command === beside ? '| ' : `${(seconds / other).toFixed(2)} | ${besideName}`;
    console.log(`| ${name} | ${seconds.toFixed(2)} | ${ratio} | ${megabytes.toFixed(0)} MB |`);
  }
}

/** A fast wrong answer is worth nothing. @param {string} command */
async function check(command) {
  const [expected, actual] = [expectedListing(), await actualListing(command.replace('$NODE', process.execPath))];
  if (expected.digest !== actual.digest || expected.entries !== actual.entries) {
    throw new Error(`the tree is wrong: ${actual.entries} entries, should be ${expected.entries}: ${command}`);
  }
  say(`${actual.entries.toLocaleString('en')} entries, as they should be`);
}

/** @param {string} layout */
async function blobs(layout) {
  const names = await readdir(`${layout}/blobs/sha256`);
  const paths = names.map((name) => `${layout}/blobs/sha256/${name}`);
  const { stat } = await import('node:fs/promises');
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  return paths.filter((_, index) => (sizes[index] ?? 0) > 100_000);
}

/** Disks would be measured otherwise. */
async function roomiest() {
  const memory = await statfs('/dev/shm').catch(() => undefined);
  return memory && memory.bavail * memory.bsize > NEEDED ? '/dev/shm' : tmpdir();
}

/** @param {string} name */
function script(name) {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** @param {string} line */
function say(line) {
  console.error(`bench: ${line}`);
}
