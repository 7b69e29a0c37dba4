/**
 * `npm run test:nodes [-- FOLDER]`: the tests of all that decodes and encodes, on every line of Node that dimgx is to run on.
 * Writes the results of each into FOLDER, if one is given.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_LINES, nodeBinary } from './node-binaries.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Takes minutes, and is done by `npm test` on one line. */
const LONG = 'gigabytes.test.ts';
const codecs = (await readdir(`${ROOT}test/compression`)).filter((name) => name !== LONG);
const tests = [
  ...codecs.map((name) => `test/compression/${name}`),
  'test/hostile/zstd',
  'test/source/compressed-images.test.ts',
  'test/cli/user-folders.test.ts',
];

const [folder] = process.argv.slice(2);
let failed = 0;
for (const line of NODE_LINES) {
  // that one has `npm test`
  if (folder && line === process.versions.node.split('.')[0]) continue;
  const node = await nodeBinary(line);
  console.log(`\n--- Node ${line}`);
  const results = folder ? ['--reporter=default', '--reporter=json', `--outputFile=${folder}/node-${line}.json`] : [];
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', ...results, ...tests];
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const [code] = await once(spawn(node, args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'] }), 'close');
  if (code !== 0) failed++;
}
process.exitCode = failed === 0 ? 0 : 1;
