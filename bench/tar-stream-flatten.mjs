/**
 * The same job in the plain way, with tar-stream: node tar-stream-flatten.mjs ARCHIVE FOLDER. Takes an uncompressed
 * docker-archive apart in the folder, reads its layers newest to oldest, and writes what no newer layer hides to standard output. Checks no digest,
 * and trusts that a hard link's target is still there: what dimgx does beyond this is not counted here.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';

const CHUNK = { highWaterMark: 2 ** 20 };
const [archive = '', parent = ''] = process.argv.slice(2);

/** Of newer layers: what was written, by path; what was removed; whose children were. */
const written = new Map();
const removed = new Set();
const emptied = new Set();

const folder = await mkdtemp(`${parent}/members-`);
try {
  const members = await takeApart();
  const [image] = JSON.parse(await readFile(members.get('manifest.json') ?? '', 'utf8'));
  const pack = tar.pack();
  const drained = pipeline(pack, process.stdout);
  for (const name of image.Layers.reverse()) await addLayer(pack, members.get(name) ?? '');
  pack.finalize();
  await drained;
} finally {
  await rm(folder, { recursive: true });
}

async function takeApart() {
  /** @type {Map<string, string>} */
  const members = new Map();
  const reader = tar.extract();
  createReadStream(archive, CHUNK).pipe(reader);
  for await (const entry of reader) {
    const path = `${folder}/${members.size}`;
    members.set(entry.header.name, path);
    await pipeline(entry, createWriteStream(path, CHUNK));
  }
  return members;
}

/** @param {import('tar-stream').Pack} pack @param {string} layer */
async function addLayer(pack, layer) {
  const added = new Map();
  const whiteouts = [];
  const opaques = [];
  const reader = tar.extract();
  createReadStream(layer, CHUNK).pipe(reader);
  for await (const entry of reader) {
    const path = entry.header.name.replace(/\/$/, '');
    const at = path.lastIndexOf('/') + 1;
    const base = path.slice(at);
    if (base === '.wh..wh..opq') opaques.push(path.slice(0, at - 1));
    else if (base.startsWith('.wh.')) whiteouts.push(path.slice(0, at) + base.slice(4));
    else if (!isHidden(path)) {
      added.set(path, entry.header.type);
      await copy(pack, entry);
      continue;
    }
    entry.resume();
  }
  for (const [path, type] of added) written.set(path, type);
  for (const path of whiteouts) removed.add(path);
  for (const path of opaques) emptied.add(path);
}

/** @param {string} path */
function isHidden(path) {
  if (written.has(path) || removed.has(path)) return true;
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const above = path.slice(0, at);
    const type = written.get(above);
    if (removed.has(above) || emptied.has(above) || (type && type !== 'directory')) return true;
  }
  return false;
}

/** @param {import('tar-stream').Pack} pack @param {import('tar-stream').ExtractEvents['entry'][1]} entry @returns {Promise<unknown>} */
async function copy(pack, entry) {
  const { header } = entry;
  if (header.size > 2 ** 16) return pipeline(entry, pack.entry(header));
  /** @type {Uint8Array[]} */
  const chunks = [];
  for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (entry)) chunks.push(chunk);
  // Waiting for each keeps the packer from slowing down with their number.
  return new Promise((resolve, reject) => {
    pack.entry(header, Buffer.concat(chunks), (failure) => (failure ? reject(failure) : resolve(undefined)));
  });
}
