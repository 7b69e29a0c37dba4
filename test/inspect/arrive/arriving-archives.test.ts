import { open } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DescriptorFile } from '#dimgx/base/io/held-file.js';
import { DEFAULT_LIMITS } from '#dimgx/base/limits.js';
import { ArrivingArchives, type IndexedMember } from '#dimgx/inspect/arrive/arriving-archives.js';
import { sharedPool } from '#dimgx/inspect/pool.js';
import { layerOf, sha256 } from '../../helpers/built-image.js';
import { archiveOf, temporaryFolder } from '../../helpers/members.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Writes an archive in pieces while its layers are read behind it. */
async function arrived(archive: Uint8Array, pieceSize: number, limits = DEFAULT_LIMITS, hashes = true) {
  const file = await open(`${await temporaryFolder()}/spool`, 'wx+');
  onTestFinished(() => file.close());
  const arriving = new ArrivingArchives(limits, hashes, sharedPool);
  onTestFinished(() => arriving.close());
  const watcher = arriving.watch(new DescriptorFile({ fd: file.fd }));
  for (let at = 0; at < archive.length; at += pieceSize) {
    await file.write(archive, at, Math.min(pieceSize, archive.length - at), at);
    watcher.grown(Math.min(at + pieceSize, archive.length));
    await nextTurn();
  }
  return arriving.finish();
}

function found(archive: Uint8Array, layers: readonly IndexedMember[]) {
  return layers.map(({ offset, length, contents, sha256: hash }) => {
    expect(hash).toBe(sha256(archive.subarray(offset, offset + length)));
    return contents.columns.length;
  });
}

const layer = await layerOf({ a: 'x'.repeat(70_000), b: '', c: 'c' });
const other = await layerOf(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, 'y'.repeat(i)])));

describe('layers that arrive', () => {
  test.each([700, 4096, 100_000, 10_000_000])('in pieces of %i bytes are indexed and hashed', async (size) => {
    const archive = await archiveOf([
      ['a/json', '{}'],
      ['a/layer.tar', layer],
      ['b/layer.tar', other],
      ['manifest.json', '[]'],
    ]);
    expect(found(archive, await arrived(archive, size))).toEqual([3, 500]);
  });

  test('are not hashed where nobody asks for that', async () => {
    const [unhashed] = await arrived(await archiveOf([['a', layer]]), 50_000, DEFAULT_LIMITS, false);
    expect(unhashed?.contents.columns.length).toBe(3);
    expect(unhashed?.sha256).toBeUndefined();
  });

  test('compressed, damaged or too large are left to others', async () => {
    const damaged = Buffer.from(other);
    damaged.fill(1, 1024, 1536);
    const archive = await archiveOf([
      ['a', gzipSync(layer)],
      ['b', damaged],
      ['c', other],
      ['d', layer],
    ]);
    const limits = { ...DEFAULT_LIMITS, maxEntries: 100 };
    expect(found(archive, await arrived(archive, 50_000, limits))).toEqual([3]);
  });

  test('in an archive that is cut off are those that are whole', async () => {
    const archive = await archiveOf([
      ['a', layer],
      ['b', other],
    ]);
    expect(found(archive, await arrived(archive.subarray(0, archive.length - 20_000), 30_000))).toEqual([3]);
    expect(await arrived(Buffer.from('no archive at all'), 5)).toEqual([]);
  });

  test('no more, end with their reader', async () => {
    const file = await open(`${await temporaryFolder()}/spool`, 'wx+');
    onTestFinished(() => file.close());
    const arriving = new ArrivingArchives(DEFAULT_LIMITS, true, sharedPool);
    arriving.watch(new DescriptorFile({ fd: file.fd })).grown(10);
    await arriving.close();
    expect(await arriving.finish()).toEqual([]);
  });

  test('cost nothing where none is watched', async () => {
    expect(await new ArrivingArchives(DEFAULT_LIMITS, true, sharedPool).finish()).toEqual([]);
  });
});
