import { spawnSync } from 'node:child_process';
import { QUIRK, REWRITE, type TarEntry } from '#dimgx/tar/entry.js';
import { TYPE } from '#dimgx/tar/header.js';
import { cleanPath } from '#dimgx/tar/path.js';
import { scanTar } from '#dimgx/tar/scan.js';
import { lacks } from '../helpers/engines.js';
import { readFrom } from './read-from.js';
import { must } from './target.js';

/**
 * What holds of every output: plain entries that need no rewriting, each path once and below a directory that stands
 * before it, hard links to files that stand before them.
 *
 * @returns how many entries there are
 */
export async function checkOutput(tar: Buffer): Promise<number> {
  const types = new Map<string, number>();
  const read = readFrom(tar)({ file: -1, offset: 0, length: tar.length });
  const { trailing } = await scanTar(read, tar.length, (entry) => checkEntry(entry, types));
  must(trailing === 'nothing', 'something follows the end');
  return types.size;
}

function checkEntry(entry: TarEntry, types: Map<string, number>): void {
  const path = Buffer.from(cleanPath(entry.name, 'refuse')).toString('latin1');
  must((entry.quirks & REWRITE) === 0, `"${path}" is stored oddly: ${entry.quirks & ~QUIRK.oldSparse}`);
  must((entry.quirks & QUIRK.ownerName) === 0, `"${path}" has the name of an owner`);
  must(!path.includes('\0'), 'a name holds a NUL');
  must(!types.has(path), `"${path}" stands twice`);
  const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  must(parent === '' || types.get(parent) === TYPE.directory, `"${path}" lies in no directory`);
  if (entry.type === TYPE.hardLink) {
    const target = types.get(Buffer.from(cleanPath(entry.link, 'clamp')).toString('latin1'));
    must(target !== undefined && target !== TYPE.directory, `"${path}" links to nothing`);
  }
  types.set(path, entry.type);
}

/** GNU tar, where there is one, reads it to its end, finds nothing wrong, and sees as many entries. */
export function checkWithGnuTar(tar: Buffer, entries: number): void {
  if (lacks('tar')) return;
  const args = ['--quoting-style=escape', '-t', '-f', '-'];
  const { status, stdout, stderr } = spawnSync('tar', args, { input: tar, encoding: 'latin1' });
  must(status === 0, `GNU tar ends with ${status}: ${stderr}`);
  const seen = stdout.split('\n').length - 1;
  must(seen === entries, `GNU tar sees ${seen} entries of ${entries}`);
}
