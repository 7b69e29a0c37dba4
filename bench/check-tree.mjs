import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink, rm } from 'node:fs/promises';
import tar from 'tar-stream';
import { flattenModel } from './flatten-model.mjs';
import { hashOf, Listing } from './listing.mjs';
import { pool } from './pool.mjs';
import { CommandError, startShell } from './shell.mjs';

/** @typedef {ReturnType<Listing['end']>} Summary of a tree: how many entries, and a digest of all of them */

const LOST_READER = 141;

/** What an image has to flatten to. @param {import('./entry.mjs').Entry[][]} layers @returns {Summary} */
export function expectedTree(layers) {
  const contents = pool();
  const listing = new Listing();
  for (const entry of flattenModel(layers).values()) {
    const bytes = contents.subarray(entry.start, entry.start + entry.size);
    listing.add(entry, entry.type === 'file' ? hashOf(bytes) : '');
  }
  return listing.end();
}

/** The flat tar that a command writes to its standard output, read with another library. @param {string} command @returns {Promise<Summary>} */
export async function tarTree(command) {
  const { stdout, ended } = startShell(command, 'pipe');
  const reader = tar.extract();
  stdout?.pipe(reader);
  try {
    const tree = await readTree(reader);
    await ended;
    return tree;
  } catch (failure) {
    stdout?.destroy();
    const reason = await ended.catch((error) => error);
    // What the command says of its failure tells more than that its tar is cut short, unless it only lost its reader.
    throw reason instanceof CommandError && reason.exitCode !== LOST_READER ? reason : failure;
  }
}

/** @param {import('tar-stream').Extract} reader */
async function readTree(reader) {
  const listing = new Listing();
  for await (const entry of reader) {
    const { name, type, size, linkname } = entry.header;
    const hash = createHash('sha1');
    if (size === 0) entry.resume();
    else for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (entry)) hash.update(chunk);
    const path = name.replace(/^\.?\//, '').replace(/\/$/, '');
    if (path === '') continue;
    listing.add({ path, type, size, target: linkname ?? '' }, type === 'file' ? hash.digest('hex') : '');
  }
  return listing.end();
}

/**
 * The folder that a command makes. Of the names of one file the first in the order of bytes is the file, the others are
 * links to it, as in the images here.
 *
 * @param {string} command
 * @param {string} folder removed afterwards
 * @returns {Promise<Summary>}
 */
export async function folderTree(command, folder) {
  await startShell(command, 'ignore').ended;
  const listing = new Listing();
  /** @type {Map<number, string>} */
  const first = new Map();
  for (const path of (await readdir(folder, { recursive: true })).sort()) {
    const stats = await lstat(`${folder}/${path}`);
    const target = stats.nlink > 1 ? first.get(stats.ino) : undefined;
    if (stats.isDirectory()) listing.add({ path, type: 'directory', size: 0, target: '' }, '');
    else if (stats.isSymbolicLink())
      listing.add({ path, type: 'symlink', size: 0, target: await readlink(`${folder}/${path}`) }, '');
    else if (target !== undefined) listing.add({ path, type: 'link', size: 0, target }, '');
    else listing.add({ path, type: 'file', size: stats.size, target: '' }, hashOf(await readFile(`${folder}/${path}`)));
    if (target === undefined) first.set(stats.ino, path);
  }
  await rm(folder, { recursive: true });
  return listing.end();
}

/** A fast wrong answer is worth nothing. @param {Summary} actual @param {Summary} expected @param {string} command */
export function compareTrees(actual, expected, command) {
  if (actual.digest === expected.digest) return;
  throw new Error(`the tree is wrong: ${actual.entries} entries, should be ${expected.entries}: ${command}`);
}
