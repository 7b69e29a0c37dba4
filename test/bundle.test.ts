import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { expect, test } from 'vitest';
import { temporaryFolder } from './helpers/members.js';
import { runCommand } from './helpers/run-command.js';
import { sampleImage } from './helpers/sample-image.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const PROGRAM = `
import { flatten } from 'dimgx';
const [image, target, compression] = process.argv.slice(2);
flatten(image, target, { compression }).then(
  ({ entries }) => console.log(entries),
  ({ code, message }) => console.log(code, message),
);
`;

/** Bundles a program that uses the library. @returns the folder with `bundle.js` */
async function bundled(format: 'esm' | 'cjs', external: readonly string[]): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(`${folder}/app.mjs`, PROGRAM);
  await writeFile(`${folder}/package.json`, JSON.stringify({ type: format === 'esm' ? 'module' : 'commonjs' }));
  await build({
    input: `${folder}/app.mjs`,
    platform: 'node',
    external: [...external],
    resolve: { alias: external.includes('dimgx') ? {} : { dimgx: `${ROOT}dist/index.js` } },
    output: { dir: folder, format, entryFileNames: 'bundle.js' },
    logLevel: 'silent',
  });
  return folder;
}

const OPTIONAL = ['dockerode', 'lzma-native', 'zstd-napi'];

test.each(['esm', 'cjs'] as const)(
  'a bundle as %s flattens compressed layers without the code of threads',
  async (format) => {
    const folder = await bundled(format, OPTIONAL);
    const image = await sampleImage({ large: 3 * 2 ** 20, gzip: true });
    const { stdout } = await runCommand('node', [`${folder}/bundle.js`, image, `${folder}/out.tar`]);
    expect(stdout.toString()).toBe('4\n');
  },
);

test('a bundle that lacks a part of a codec says which package must be external', async () => {
  const folder = await bundled('cjs', OPTIONAL);
  const args = [`${folder}/bundle.js`, await sampleImage(), `${folder}/out.tar.bz2`];
  const { stdout } = await runCommand('node', args);
  expect(stdout.toString()).toMatch(
    /^DIMGX_COMPRESSION_UNSUPPORTED the package bzip2-wasm cannot be loaded: .*external/,
  );
});

test.each(['esm', 'cjs'] as const)(
  'a bundle as %s that leaves the package outside does all that the package does',
  async (format) => {
    const folder = await bundled(format, ['dimgx']);
    await mkdir(`${folder}/node_modules`);
    await symlink(ROOT, `${folder}/node_modules/dimgx`);
    const image = await sampleImage({ large: 3 * 2 ** 20, gzip: true });
    const { stdout } = await runCommand('node', [`${folder}/bundle.js`, image, `${folder}/out.tar.bz2`, 'bzip2']);
    expect(stdout.toString()).toBe('4\n');
  },
);
