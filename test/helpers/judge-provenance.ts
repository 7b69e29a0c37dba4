import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { readTar } from './read-tar.js';
import type { Provenance, RecordedRun } from './recorded-run.js';
import type { Tree, TreeEntry } from './tree.js';

/**
 * Each line of the provenance says what an extractor made of an entry of the tar, or of the tar of hidden versions.
 *
 * @param root the extracted tar
 * @param hidden the extracted tar of hidden versions
 */
export async function judgeProvenance(
  { tar, hiddenTar }: RecordedRun,
  entries: readonly Provenance[],
  root: Tree,
  hidden: Tree,
): Promise<void> {
  const found = [...(await factsFound(tar, root, 'present')), ...(await factsFound(hiddenTar, hidden, 'hidden'))];
  const told = entries.map(factsTold);
  for (const [i, facts] of found.entries()) expect(told[i]).toEqual(facts);
  expect(told.length).toBe(found.length);
}

type Facts = Readonly<Record<string, string | number>>;

function factsTold(entry: Provenance): Facts {
  const { path, pathBase64, type, mode, uid, gid, size, mtime, target, targetBase64, device, xattrs = {} } = entry;
  const hex = (value: string) => Buffer.from(value, 'base64').toString('hex');
  return {
    state: entry.state,
    path: latin1(path, pathBase64),
    type,
    mode,
    owner: `${uid}:${gid}`,
    size: type === 'file' ? String(size) : '',
    mtime,
    target: latin1(target ?? '', targetBase64),
    device: device ? `${device.major}:${device.minor}` : '',
    xattrs: Object.entries(xattrs)
      .map(([name, value]) => `${name}=0x${hex(value)}`)
      .sort()
      .join(' '),
    sha256: entry.sha256 ?? '',
    nlink: entry.nlink,
  };
}

function latin1(text: string, base64: string | undefined): string {
  return (base64 === undefined ? Buffer.from(text) : Buffer.from(base64, 'base64')).toString('latin1');
}

/** What became of each entry of a tar, in its order. */
async function factsFound(path: string, tree: Tree, state: Provenance['state']): Promise<Facts[]> {
  const names = new Map<string, number>();
  for (const { sameFileAs } of tree.values()) names.set(sameFileAs, (names.get(sameFileAs) ?? 0) + 1);
  return readTar(await readFile(path)).map(({ name }) => {
    const plain = name === './' ? '.' : name.replace(/^\.\//, '').replace(/\/$/, '');
    const { type, mtime, sameFileAs, ...same } = tree.get(plain) as TreeEntry;
    const inImage = state === 'hidden' ? plain.slice(plain.indexOf('/')) : plain === '.' ? '/' : `/${plain}`;
    const nlink = sameFileAs === '' ? 1 : (names.get(sameFileAs) as number);
    return { ...same, state, path: inImage, type: type.replace(' device', ''), mtime: isoOf(mtime), nlink };
  });
}

/** A time as in a `TreeEntry`, as ISO 8601. */
function isoOf(time: string): string {
  const [seconds, nanos] = time.split('.');
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}${nanos === '000000000' ? '' : `.${nanos}`}Z`;
}
