import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
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

/** Uses all doors. */
const DOORS = `
import { DimgxError } from 'dimgx';
import { listCache } from 'dimgx/cache';
import { listTags } from 'dimgx/registry';
const [cache] = process.argv.slice(2);
listCache({ cache }).then(async ({ blobs }) => {
  const failure = await listTags('No Name').catch((error) => error);
  console.log(blobs.length, failure instanceof DimgxError, failure.code);
});
`;

/** Bundles a program that uses the library. @returns the folder with `bundle.js` */
async function bundled(format: 'esm' | 'cjs', external: readonly string[], program = PROGRAM): Promise<string> {
  const folder = await temporaryFolder();
  const inside = { 'dimgx/cache': 'cache', 'dimgx/registry': 'registry', dimgx: 'index' };
  const alias = Object.fromEntries(Object.entries(inside).map(([door, name]) => [door, `${ROOT}dist/${name}.js`]));
  await writeFile(`${folder}/app.mjs`, program);
  await writeFile(`${folder}/package.json`, JSON.stringify({ type: format === 'esm' ? 'module' : 'commonjs' }));
  await build({
    input: `${folder}/app.mjs`,
    platform: 'node',
    external: [...external],
    resolve: { alias: external.includes('dimgx') ? {} : alias },
    output: { dir: folder, format, entryFileNames: 'bundle.js' },
    logLevel: 'silent',
  });
  return folder;
}

const OPTIONAL = ['@napi-rs/xattr', 'dockerode', 'lzma-native', 'zstd-napi'];

test.each(['esm', 'cjs'] as const)(
  'a bundle as %s flattens compressed layers without the code of threads',
  async (format) => {
    const folder = await bundled(format, OPTIONAL);
    const image = await sampleImage({ large: 3 * 2 ** 20, gzip: true });
    const { stdout } = await runCommand('node', [`${folder}/bundle.js`, image, `${folder}/out.tar`]);
    expect(stdout.toString()).toBe('4\n');
  },
);

test.each(['esm', 'cjs'] as const)('a bundle as %s of several doors has one class of errors', async (format) => {
  const folder = await bundled(format, [...OPTIONAL, 'undici'], DOORS);
  await symlink(`${ROOT}node_modules`, `${folder}/node_modules`);
  const { stdout } = await runCommand('node', [`${folder}/bundle.js`, `${folder}/cache`]);
  expect(stdout.toString()).toBe('0 true DIMGX_REFERENCE_INVALID\n');
});

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

/** The files of `src/` whose code a chunk of `dist/` loads, directly or through others, before it runs. */
async function loadedBy(chunk: string, seen = new Set<string>()): Promise<ReadonlySet<string>> {
  if (seen.has(chunk)) return new Set();
  seen.add(chunk);
  const text = await readFile(`${ROOT}dist/${chunk}`, 'utf8');
  // The bundler's own code has no map.
  const map = await readFile(`${ROOT}dist/${chunk}.map`, 'utf8').catch(() => '{"sources":[]}');
  const { sources }: { sources: string[] } = JSON.parse(map);
  const own = sources.map((source) => source.replace('../src/', ''));
  const others = [...text.matchAll(/(?:^|;|\n)(?:import|export)[^"'()]*?["']\.\/([^"']+)["']/g)];
  const below = await Promise.all(others.map(([, name = '']) => loadedBy(name, seen)));
  return new Set([...own, ...below.flatMap((files) => [...files])]);
}

test('the command loads for a listing no code that flattens, and none of the cache', async () => {
  const lists = [...(await loadedBy('list.js')), ...(await loadedBy('run.js'))];
  expect(lists).toEqual(expect.arrayContaining(['cli/commands/list.ts', 'source/resolve.ts', 'cli/run.ts']));
  const rooms = new Set(lists.map((file) => file.split('/')[0]));
  const others = ['flatten.ts', 'cache', 'engine', 'layer', 'inspect', 'merge', 'extract', 'output'];
  expect(others.filter((room) => rooms.has(room))).toEqual([]);
});
