import { execFileSync, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DescriptorFile } from '#dimgx/base/io/held-file.js';
import { Resources } from '#dimgx/base/io/resources.js';
import { flatten } from '#dimgx/flatten.js';
import { ArchiveFiles } from '#dimgx/source/files/archive-files.js';
import { PlainContents } from '#dimgx/source/files/plain-contents.js';
import { layerOf, sha256 } from '../../helpers/built-image.js';
import { dockerArchive } from '../../helpers/docker-archive.js';
import { lacks } from '../../helpers/engines.js';
import { temporaryFolder, writeFolder } from '../../helpers/members.js';
import { bytesOf, opened } from '../../helpers/opened.js';
import { GNU, paxHeader, rawEntry, rawTar } from '../../helpers/raw-tar.js';
import type { SparseMap } from '../../helpers/sparse-map.js';

const FORMS: readonly (readonly [string, readonly string[]])[] = [
  ['PAX 0.0', ['tar', '--format=posix', '-S', '--sparse-version=0.0', '--hole-detection=raw']],
  ['PAX 0.1', ['tar', '--format=posix', '-S', '--sparse-version=0.1', '--hole-detection=raw']],
  ['PAX 1.0', ['tar', '--format=posix', '-S', '--sparse-version=1.0', '--hole-detection=raw']],
  ['old GNU', ['tar', '--format=gnu', '-S', '--hole-detection=raw']],
  ['bsdtar', ['bsdtar']],
];

const FILES: readonly (readonly [string, SparseMap, number])[] = [
  ['all data', [[0, 70_000]], 70_000],
  ['all hole', [], 3_000_000],
  ['one byte, and a hole at its end', [[0, 1]], 1_000_000],
  ['a hole at its begin', [[1_000_000, 5]], 1_000_005],
  [
    'data longer than a piece',
    [
      [65_536, 2_500_000],
      [4_194_304, 4096],
    ],
    9_000_000,
  ],
  ['many holes', Array.from({ length: 500 }, (_, i) => [i * 8192, 4096] as const), 501 * 8192],
  [
    'stretches of odd lengths',
    Array.from({ length: 70 }, (_, i) => [i * 65_536, 1 + 997 * (i % 60)] as const),
    5_000_000,
  ],
];

async function writeSparse(path: string, map: SparseMap, size: number): Promise<void> {
  const file = await open(path, 'w');
  for (const [offset, length] of map) await file.write(Buffer.alloc(length, `${offset}.`), 0, length, offset);
  await file.truncate(size);
  await file.close();
}

/** Opens an archive. @param maxSize in bytes */
async function filesAt(path: string, maxSize = 2 ** 40): Promise<ArchiveFiles> {
  const fd = openSync(path, 'r');
  const resources = new Resources();
  onTestFinished(() => resources.close());
  onTestFinished(() => closeSync(fd));
  const archive = { file: new DescriptorFile({ fd }), offset: 0, length: (await stat(path)).size };
  return ArchiveFiles.scan(
    new PlainContents(archive, 'x.tar', { resources, limits: { maxSize, maxEntries: 1000 } }),
    'x.tar',
  );
}

async function filesIn(archive: Uint8Array, maxSize?: number): Promise<ArchiveFiles> {
  const path = join(await temporaryFolder(), 'x.tar');
  await writeFile(path, archive);
  return filesAt(path, maxSize);
}

/** A member of PAX 1.0. */
function sparseEntry(name: string, size: number, map: readonly number[], data: string): Buffer {
  const head = `${map.length / 2}\n${map.map((number) => `${number}\n`).join('')}`;
  const records = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': name };
  const pax = paxHeader({ ...records, 'GNU.sparse.realsize': String(size) });
  const contents = head.padEnd(Math.ceil(head.length / 512) * 512, '\0') + data;
  return Buffer.concat([pax, rawEntry({ name: 'GNUSparseFile.0/x' }, contents)]);
}

const lacksOf = (form: string) => form === 'bsdtar' && lacks('bsdtar');

describe.each(FORMS)('a member that is stored as a sparse file (%s)', (form, command) => {
  test.skipIf(lacksOf(form)).each(FILES)('is expanded: %s', async (_, map, size) => {
    const folder = await temporaryFolder();
    const long = 'n'.repeat(150);
    for (const name of ['a', long]) await writeSparse(join(folder, name), map, size);
    execFileSync(command[0] as string, [...command.slice(1), '-C', folder, '-cf', join(folder, 'x.tar'), 'a', long]);
    const files = await filesAt(join(folder, 'x.tar'));
    expect([...(await files.topNames())].sort()).toEqual(['a', long]);
    const expected = sha256(await readFile(join(folder, 'a')));
    const regions = await Promise.all(['a', long, 'a'].map(async (name) => (await files.open(name))?.region));
    for (const region of regions) expect(region && sha256(await bytesOf(region))).toBe(expected);
    expect(regions[2]).toEqual(regions[0]);
  });
});

describe('sparse members', () => {
  test('lie in one spool, in which their holes take no room', async () => {
    const names = ['a', 'b', 'c'];
    const size = 2 ** 30;
    const files = await filesIn(rawTar(...names.map((name) => sparseEntry(name, size, [size - 1, 1], name))));
    const regions = await Promise.all(names.map(async (name) => (await files.open(name))?.region));
    for (const [i, region] of regions.entries()) {
      if (!region) throw new Error('it is not there');
      expect(region.length).toBe(size);
      expect((await bytesOf({ ...region, offset: region.offset + size - 3, length: 3 })).toString()).toBe(
        `\0\0${names[i]}`,
      );
    }
    expect(new Set(regions.map((region) => region?.file)).size).toBe(1);
    const fd = (await regions[0]?.file.hold()) ?? -1;
    regions[0]?.file.release();
    expect(512 * fstatSync(fd).blocks).toBeLessThan(2 ** 20);
  });

  test('count with their holes towards the greatest size', async () => {
    const archive = rawTar(sparseEntry('a', 6_000_000, [0, 1], 'a'), sparseEntry('b', 6_000_000, [0, 1], 'b'));
    const files = await filesIn(archive, 10_000_000);
    expect((await files.open('a'))?.region.length).toBe(6_000_000);
    await expect(files.open('b')).rejects.toMatchObject({ code: 'DIMGX_LIMIT_SIZE' });
    const huge = await filesIn(rawTar(sparseEntry('a', 9e15, [0, 1], 'a')));
    await expect(huge.open('a')).rejects.toMatchObject({ code: 'DIMGX_LIMIT_SIZE' });
  });

  test.each([
    ['overlap', [0, 4, 2, 2], 'abcdef'],
    ['go back', [4, 2, 0, 2], 'abcd'],
    ['leave the file', [8, 4], 'abcd'],
    ['are more than is stored', [0, 8], 'abcd'],
    ['are less than is stored', [0, 2], 'abcd'],
    ['are absurd', [0, 9e18], 'abcd'],
  ])('whose stretches %s are refused, and only when they are opened', async (_, map, data) => {
    const files = await filesIn(rawTar(sparseEntry('a', 10, map, data), rawEntry({ name: 'b' }, 'x')));
    const other = await files.open('b');
    expect(other && (await bytesOf(other.region)).toString()).toBe('x');
    await expect(files.open('a')).rejects.toMatchObject({ code: 'DIMGX_TAR_BAD_SPARSE' });
  });

  test('whose map is longer than the contents are refused', async () => {
    const pax = paxHeader({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9' });
    const files = await filesIn(rawTar(pax, rawEntry({ name: 'a' }, '100\n0\n')));
    await expect(files.open('a')).rejects.toMatchObject({ code: 'DIMGX_TAR_BAD_SPARSE' });
  });

  test('may end the archive without their padding', async () => {
    const octal = (number: number) => number.toString(8).padStart(11, '0');
    const patch = { 386: octal(512), 398: octal(3), 483: octal(600) };
    const entry = rawEntry({ name: 'a', type: 'S', magic: GNU, patch }, 'abc');
    const file = await (await filesIn(entry.subarray(0, 515))).open('a');
    expect(file && (await bytesOf(file.region)).toString()).toBe('abc'.padStart(515, '\0').padEnd(600, '\0'));
  });
});

describe.each(FORMS)('an image whose members are sparse files (%s)', (form, command) => {
  test.skipIf(lacksOf(form))('is read from a file, a pipe, and compressed as a whole', async () => {
    const layer = await layerOf({ zeros: Buffer.concat([Buffer.alloc(400_000), Buffer.from('end')]), a: 'one' });
    const folder = await writeFolder(dockerArchive([{ tags: ['app:1'], layers: [layer] }]));
    const path = join(await temporaryFolder(), 'x.tar');
    const pack = `find . -type f -exec sh -c 'cp --sparse=always "$1" "$1.s" && mv "$1.s" "$1"' _ {} ';' && ${command.join(' ')} -cf '${path}' *`;
    execFileSync('sh', ['-c', pack], { cwd: folder });
    expect((await stat(path)).size).toBeLessThan(400_000);
    await writeFile(`${path}.gz`, gzipSync(await readFile(path)));
    const fifo = join(await temporaryFolder(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    spawn('sh', ['-c', 'exec cat "$0" > "$1"', path, fifo], { stdio: 'ignore' });
    const digests: string[] = [];
    for (const place of [path, `${path}.gz`, fifo]) {
      const target = join(await temporaryFolder(), 'flat.tar');
      await flatten(place, target);
      digests.push(sha256(await readFile(target)));
    }
    expect(new Set(digests).size).toBe(1);
    const image = await opened(path);
    expect(await Promise.all(image.layers.map(async ({ blob }) => sha256(await bytesOf(blob))))).toEqual([
      sha256(layer),
    ]);
  });
});
