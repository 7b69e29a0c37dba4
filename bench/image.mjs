import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import tar from 'tar-stream';
import { makeLayers, makePool } from './model.mjs';

/**
 * Writes the benchmark's image twice, as a docker-archive and as an OCI layout with gzip layers.
 *
 * @param {string} folder
 * @returns {Promise<{ archive: string, layout: string, bytes: number, entries: number }>} sizes are of the archive's layers
 */
export async function writeImage(folder) {
  const pool = makePool();
  const layers = makeLayers();
  const written = [];
  for (const [index, entries] of layers.entries())
    written.push(await writeLayer(`${folder}/layer-${index}.tar`, entries, pool));
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: written.map(({ digest }) => digest) },
      history: written.map((_, index) => ({ created: '2001-01-01T00:00:00Z', created_by: `layer ${index}` })),
    }),
  );
  await writeLayout(`${folder}/layout`, written, config);
  await writeArchive(`${folder}/image.tar`, written, config);
  return {
    archive: `${folder}/image.tar`,
    layout: `${folder}/layout`,
    bytes: (await stat(`${folder}/image.tar`)).size,
    entries: layers.flat().length,
  };
}

/** @typedef {{ path: string, digest: string, size: number }} Blob */

/** @param {string} path @param {import('./model.mjs').Entry[]} entries @param {Buffer} pool @returns {Promise<Blob>} */
async function writeLayer(path, entries, pool) {
  const pack = tar.pack();
  const written = pipeline(pack, createWriteStream(path, { highWaterMark: 2 ** 20 }));
  for (const entry of entries) await add(pack, headerOf(entry), pool.subarray(entry.start, entry.start + entry.size));
  pack.finalize();
  await written;
  return await describe(path);
}

/** @param {import('./model.mjs').Entry} entry @returns {import('tar-stream').Headers} */
function headerOf({ path, type, size, target }) {
  const mtime = new Date('2001-02-03T04:05:06Z');
  const at = path.lastIndexOf('/') + 1;
  if (type === 'whiteout') return { name: `${path.slice(0, at)}.wh.${path.slice(at)}`, mtime, size: 0, mode: 0o600 };
  if (type === 'opaque') return { name: `${path}/.wh..wh..opq`, mtime, size: 0, mode: 0o600 };
  if (type === 'directory') return { name: `${path}/`, mtime, type, mode: 0o755 };
  if (type === 'file') return { name: path, mtime, type, size, mode: 0o644 };
  return { name: path, mtime, type, linkname: target, mode: 0o777 };
}

/** @param {import('tar-stream').Pack} pack @param {import('tar-stream').Headers} header @param {Buffer} bytes @returns {Promise<void>} */
function add(pack, header, bytes) {
  return new Promise((resolve, reject) => {
    const done = (/** @type {Error | null | undefined} */ failure) => (failure ? reject(failure) : resolve());
    if (bytes.length > 0) pack.entry(header, bytes, done);
    else pack.entry(header, done).end();
  });
}

/** @param {string} path @param {Blob[]} layers @param {Buffer} config */
async function writeArchive(path, layers, config) {
  const pack = tar.pack();
  const written = pipeline(pack, createWriteStream(path, { highWaterMark: 2 ** 20 }));
  const id = createHash('sha256').update(config).digest('hex');
  for (const [index, layer] of layers.entries()) {
    const entry = pack.entry({ name: `${index}/layer.tar`, size: layer.size });
    await pipeline(createReadStream(layer.path, { highWaterMark: 2 ** 20 }), entry);
    await rm(layer.path);
  }
  await add(pack, { name: `${id}.json`, size: config.length }, config);
  const manifest = [
    { Config: `${id}.json`, RepoTags: ['dimgx/bench:1'], Layers: layers.map((_, index) => `${index}/layer.tar`) },
  ];
  const bytes = Buffer.from(JSON.stringify(manifest));
  await add(pack, { name: 'manifest.json', size: bytes.length }, bytes);
  pack.finalize();
  await written;
}

/** @param {string} folder @param {Blob[]} layers @param {Buffer} config */
async function writeLayout(folder, layers, config) {
  await mkdir(`${folder}/blobs/sha256`, { recursive: true });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const blobs = await Promise.all(
    layers.map(async ({ path }) => {
      await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), createGzip(), createWriteStream(`${path}.gz`));
      return await keep(folder, await describe(`${path}.gz`));
    }),
  );
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...(await document(folder, config)) },
    layers: blobs.map((blob) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...blob })),
  };
  const descriptor = { mediaType, ...(await document(folder, Buffer.from(JSON.stringify(manifest)))) };
  await writeFile(`${folder}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }));
  await writeFile(`${folder}/oci-layout`, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}

/** @param {string} folder @param {Buffer} bytes */
async function document(folder, bytes) {
  const path = `${folder}/document`;
  await writeFile(path, bytes);
  return await keep(folder, await describe(path));
}

/** @param {string} folder @param {Blob} blob */
async function keep(folder, { path, digest, size }) {
  await rename(path, `${folder}/blobs/${digest.replace(':', '/')}`);
  return { digest, size };
}

/** @param {string} path @returns {Promise<Blob>} */
async function describe(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return { path, digest: `sha256:${hash.digest('hex')}`, size: (await stat(path)).size };
}
