import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { gzipFile } from './gzip-file.mjs';
import { pool } from './pool.mjs';
import { TarWriter } from './tar-writer.mjs';
import { writeLayout } from './write-layout.mjs';
import { zstdFile } from './zstd-file.mjs';

/** @typedef {import('./tar-writer.mjs').Blob} Blob */
/** @typedef {'layout' | 'gzipLayout' | 'zstdLayout' | 'gzipArchive'} Form what an image is written as, beside an uncompressed docker-archive */

/**
 * @typedef {object} Image what is known of any of them
 * @property {number} [bytes] of the archive
 * @property {number} entries of all layers
 * @property {number} nameBytes of all entries
 * @property {number} layerBytes uncompressed
 * @property {number} [outOfOrder] bytes that do not lie in the order of the output
 * @property {string[]} gzipBlobs paths
 */

/** @typedef {Image & { archive: string, bytes: number, layers: Place[], also: Partial<Record<Form, string>> }} WrittenImage with paths */

/** Where a layer lies in the archive. @typedef {{ digest: string, start: number, size: number }} Place */

export const IMAGE_NAME = 'dimgx/bench:1';

/**
 * Writes an image in a folder, which has to be there.
 *
 * @param {string} folder @param {import('./entry.mjs').Entry[][]} layers oldest to newest @param {Form[]} [forms]
 * @returns {Promise<WrittenImage>}
 */
export async function writeImage(folder, layers, forms = []) {
  const blobs = [];
  for (const [index, entries] of layers.entries()) {
    blobs.push(writeLayer(`${folder}/layer-${index}.tar`, entries));
    await setImmediate(); // for signals
  }
  const config = configOf(blobs.map(({ digest }) => digest));
  const { size, starts } = writeArchive(`${folder}/image.tar`, blobs, config);
  /** @type {WrittenImage['also']} */
  const also = {};
  /** @type {string[]} */
  let gzipBlobs = [];
  if (forms.includes('gzipLayout') || forms.includes('gzipArchive')) {
    const compressed = [];
    for (const { path } of blobs) compressed.push(await gzipFile(path, `${path}.gz`));
    if (forms.includes('gzipArchive'))
      also.gzipArchive = writeArchive(`${folder}/image-gzip.tar`, compressed, config).path;
    also.gzipLayout = `${folder}/layout-gzip`;
    gzipBlobs = await writeLayout(also.gzipLayout, compressed, config, 'tar+gzip');
  }
  if (forms.includes('zstdLayout')) {
    const compressed = [];
    for (const { path } of blobs) compressed.push(await zstdFile(path, `${path}.zst`));
    also.zstdLayout = `${folder}/layout-zstd`;
    await writeLayout(also.zstdLayout, compressed, config, 'tar+zstd');
  }
  if (forms.includes('layout')) {
    also.layout = `${folder}/layout`;
    await writeLayout(also.layout, blobs, config, 'tar');
  } else for (const { path } of blobs) await rm(path);
  const all = layers.flat();
  const nameBytes = all.reduce((sum, { path }) => sum + path.length, 0);
  const layerBytes = blobs.reduce((sum, blob) => sum + blob.size, 0);
  return {
    archive: `${folder}/image.tar`,
    bytes: size,
    entries: all.length,
    nameBytes,
    layerBytes,
    layers: blobs.map((blob, index) => ({ digest: blob.digest, start: starts[index] ?? Number.NaN, size: blob.size })),
    also,
    gzipBlobs,
  };
}

/** @param {string[]} diffIds @returns {Buffer} */
export function configOf(diffIds) {
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: diffIds.map((_, index) => ({ created: '2001-01-01T00:00:00Z', created_by: `layer ${index}` })),
  };
  return Buffer.from(JSON.stringify(config));
}

/** @param {string} path @param {import('./entry.mjs').Entry[]} entries */
function writeLayer(path, entries) {
  const writer = new TarWriter(path);
  const contents = pool();
  for (const { path: name, type, size, start, target } of entries) {
    const at = name.lastIndexOf('/') + 1;
    if (type === 'whiteout') writer.add(`${name.slice(0, at)}.wh.${name.slice(at)}`, 'file');
    else if (type === 'opaque') writer.add(`${name}/.wh..wh..opq`, 'file');
    else if (type === 'directory') writer.add(`${name}/`, type);
    else if (type === 'file') writer.add(name, type, contents.subarray(start, start + size));
    else writer.add(name, type, undefined, target);
  }
  return writer.end();
}

/** As `docker save` wrote it up to version 24. @param {string} path @param {Blob[]} layers @param {Buffer} config */
function writeArchive(path, layers, config) {
  const writer = new TarWriter(path);
  const id = createHash('sha256').update(config).digest('hex');
  const starts = layers.map((layer, index) => writer.addFile(`${index}/layer.tar`, layer));
  writer.add(`${id}.json`, 'file', config);
  const names = layers.map((_, index) => `${index}/layer.tar`);
  const manifest = [{ Config: `${id}.json`, RepoTags: [IMAGE_NAME], Layers: names }];
  writer.add('manifest.json', 'file', Buffer.from(JSON.stringify(manifest)));
  return { ...writer.end(), starts };
}
