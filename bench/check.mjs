import { spawn } from 'node:child_process';
import { once } from 'node:events';
import tar from 'tar-stream';
import { flattenModel, hashOf, listingDigest, listingLine, makeLayers, makePool } from './model.mjs';

/** @typedef {{ entries: number, digest: string }} Listing */

/** @returns {Listing} what the image has to flatten to */
export function expectedListing() {
  const pool = makePool();
  const tree = [...flattenModel(makeLayers()).values()];
  const lines = tree.map((entry) => {
    const bytes = pool.subarray(entry.start, entry.start + entry.size);
    return listingLine(entry, entry.type === 'file' ? hashOf(bytes) : '');
  });
  return { entries: lines.length, digest: listingDigest(lines) };
}

/** Reads a flat tar from the standard output of a command, with another library. @param {string} command @returns {Promise<Listing>} */
export async function actualListing(command) {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  /** @type {string[]} */
  const lines = [];
  for await (const entry of child.stdout.pipe(tar.extract())) {
    const { name, type, size = 0, linkname } = entry.header;
    const chunks = [];
    for await (const chunk of entry) chunks.push(chunk);
    const path = name.replace(/^\.?\//, '').replace(/\/$/, '');
    if (path === '') continue;
    const found = { path, type, size, start: 0, target: linkname ?? '' };
    lines.push(listingLine(found, type === 'file' ? hashOf(Buffer.concat(chunks)) : ''));
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`ended with ${code}: ${command}`);
  return { entries: lines.length, digest: listingDigest(lines) };
}
