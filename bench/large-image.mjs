import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { plainEntry, withParents } from './entry.mjs';
import { flattenModel } from './flatten-model.mjs';
import { hashOf, Listing } from './listing.mjs';
import { pool } from './pool.mjs';
import { writeHeader } from './tar-writer.mjs';
import { configOf } from './write-image.mjs';
import { writeLayout } from './write-layout.mjs';

/** @typedef {import('./entry.mjs').Entry} Entry its `start` is the number of its contents here */

const BLOCK = 512;
const FILE_SIZE = 2 ** 23;
const CONTENTS = 8;
const LAYERS = 3;

/** 24 GB: the files of each layer lie between those of the others, and the newer layers write some anew. @param {boolean} quick @returns {Entry[][]} */
export function largeLayers(quick) {
  const files = quick ? 10 : 940;
  return Array.from({ length: LAYERS }, (_, layer) => {
    /** @param {number} below @param {number} index @returns {Entry} */
    const file = (below, index) => {
      const path = `srv/models/part-${String(index * LAYERS + below).padStart(5, '0')}`;
      return { ...plainEntry(path, 'file'), size: FILE_SIZE, start: (index * LAYERS + layer) % CONTENTS };
    };
    const own = Array.from({ length: files }, (_, index) => file(layer, index));
    const again = Array.from({ length: layer > 0 ? files / 10 : 0 }, (_, index) => file(layer - 1, index * 10));
    return withParents([...own, ...again]);
  });
}

/** @param {Entry[][]} layers @returns {import('./check-tree.mjs').Summary} */
export function expectedLargeTree(layers) {
  const hashes = contents().map(hashOf);
  const listing = new Listing();
  for (const entry of flattenModel(layers).values())
    listing.add(entry, entry.type === 'file' ? (hashes[entry.start] ?? '') : '');
  return listing.end();
}

/**
 * Writes them as an OCI layout, in a fiftieth of their size: contents are compressed once, at level 1, and repeated as
 * gzip members of their own.
 *
 * @param {string} folder @param {Entry[][]} layers oldest to newest
 * @returns {Promise<import('./write-image.mjs').Image & { layout: string }>}
 */
export async function writeLargeImage(folder, layers) {
  const pieces = contents().map((bytes) => ({ bytes, member: gzipSync(bytes, { level: 1 }) }));
  const blobs = [];
  for (const [index, entries] of layers.entries())
    blobs.push(await writeLayer(`${folder}/${index}.gz`, entries, pieces));
  const layout = `${folder}/layout`;
  const gzipBlobs = await writeLayout(layout, blobs, configOf(blobs.map(({ diffId }) => diffId)), 'tar+gzip');
  const all = layers.flat();
  const nameBytes = all.reduce((sum, { path }) => sum + path.length, 0);
  const layerBytes = blobs.reduce((sum, { unpacked }) => sum + unpacked, 0);
  return { layout, entries: all.length, nameBytes, layerBytes, gzipBlobs };
}

/** @param {string} path @param {Entry[]} entries @param {{ bytes: Buffer, member: Buffer }[]} pieces */
async function writeLayer(path, entries, pieces) {
  const target = await open(path, 'wx');
  const [diffId, digest] = [createHash('sha256'), createHash('sha256')];
  let [size, unpacked] = [0, 0];
  /** @param {Buffer} bytes @param {Buffer} [member] */
  const put = async (bytes, member = gzipSync(bytes, { level: 1 })) => {
    diffId.update(bytes);
    digest.update(member);
    unpacked += bytes.length;
    size += (await target.write(member)).bytesWritten;
    await setImmediate(); // for signals
  };
  for (const { path: name, type, size: length, start } of entries) {
    const header = Buffer.alloc(BLOCK);
    if (type === 'directory') writeHeader(header, `${name}/`, type, 0, '');
    else writeHeader(header, name, 'file', length, '');
    await put(header);
    const piece = type === 'file' ? pieces[start] : undefined;
    if (piece) await put(piece.bytes, piece.member);
  }
  await put(Buffer.alloc(2 * BLOCK));
  await target.close();
  return { path, size, unpacked, digest: `sha256:${digest.digest('hex')}`, diffId: `sha256:${diffId.digest('hex')}` };
}

/** In each mebibyte 32 KiB of the pool, the rest zeros. */
function contents() {
  return Array.from({ length: CONTENTS }, (_, number) => {
    const bytes = Buffer.alloc(FILE_SIZE);
    for (let at = 0; at < FILE_SIZE; at += 2 ** 20)
      pool().copy(bytes, at, number * FILE_SIZE + at, number * FILE_SIZE + at + 2 ** 15);
    return bytes;
  });
}
