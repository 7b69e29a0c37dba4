import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/**
 * The rooms of `src/`, each of which may use those before it: ground, formats, values, clients, stages, doors. A folder
 * is a room, and so is a file beside the folders.
 */
const ROOMS = [
  ['error-table.ts', 'errors.ts', 'base', 'warning-tally.ts'],
  ['compression', 'tar'],
  ['check-options.ts'],
  ['reference', 'image', 'layer'],
  ['cache', 'registry', 'engine'],
  ['source', 'inspect', 'merge', 'extract', 'unpack', 'evidence', 'output'],
  [
    'write-image.ts',
    'flatten.ts',
    'tree.ts',
    'image-history.ts',
    'copy-files.ts',
    'snapshot',
    'verify',
    'index.ts',
    'registry.ts',
    'cache.ts',
    'cli',
  ],
].flat();

/** Only types, of callers' options: they name values of several rooms, and every room may name them. */
const OPTIONS = 'options.ts';

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
}

/** Paths from `src/`. */
async function imports(): Promise<readonly Import[]> {
  const names = (await readdir(SRC, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const found = names.map(async (name) => {
    const text = await readFile(join(SRC, name), 'utf8');
    const statements = text.matchAll(/(?:^(?:im|ex)port ([^;]*?)from |import\()'(\.[^']+)\.js'/gm);
    return [...statements].map(([, what = '', path = '']) => ({
      from: name,
      to: `${relative(SRC, join(SRC, name, '..', path))}.ts`,
      isType: what.startsWith('type '),
    }));
  });
  return (await Promise.all(found)).flat();
}

const roomOf = (path: string) => path.split('/')[0] as string;

test('every room of src/ has its place in the order', async () => {
  expect((await readdir(SRC)).sort()).toEqual([...ROOMS, OPTIONS].sort());
});

test('no room uses one that comes after it', async () => {
  const all = (await imports()).filter(({ from, to }) => from !== OPTIONS && to !== OPTIONS);
  expect(all.length).toBeGreaterThan(1000);
  const upward = all.filter(({ from, to }) => ROOMS.indexOf(roomOf(to)) > ROOMS.indexOf(roomOf(from)));
  expect(upward.map(({ from, to }) => `${from} uses ${to}`)).toEqual([]);
});

test('the command line uses nothing but the doors, and nothing uses the command line', async () => {
  const ofCli = (path: string) => roomOf(path) === 'cli';
  const crossing = (await imports()).filter(({ from, to }) => ofCli(from) !== ofCli(to));
  const used = new Set(crossing.map(({ to }) => to));
  expect([...used].sort()).toEqual(['cache.ts', 'index.ts', 'registry.ts']);
});

test('the options are nothing but types', async () => {
  const all = (await imports()).filter(({ from, to }) => from === OPTIONS || to === OPTIONS);
  expect(all.filter(({ isType }) => !isType)).toEqual([]);
});

test('no file uses itself through others', async () => {
  const uses = new Map<string, string[]>();
  for (const { from, to, isType } of await imports()) {
    if (!isType) uses.set(from, [...(uses.get(from) ?? []), to]);
  }
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]) => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' > '));
    if (done.has(file) || way.includes(file)) return;
    for (const next of uses.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of uses.keys()) visit(file, []);
  expect(circles).toEqual([]);
});
