import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MAX_DOCUMENT } from '../../../base/limits.js';
import { rangeOf } from '../folder/id-map.js';

/** IDs of the host that a user may use in user namespaces. */
export interface SubordinateRange {
  readonly start: number;
  readonly size: number;
}

export interface SubordinateIds {
  readonly uids: readonly SubordinateRange[];
  readonly gids: readonly SubordinateRange[];
  /** The primary group of the user. */
  readonly group?: number;
}

/**
 * Finds the subordinate IDs of a user in `etc/subuid` and `etc/subgid`, and the group in `etc/passwd`, of the host that
 * a folder belongs to: in the nearest folder above it that has an `etc/passwd` of root. Source: subuid(5), passwd(5).
 *
 * @returns no ranges if they cannot be found
 */
export function subordinateIds(folder: string, uid: number): SubordinateIds {
  const host = hostOf(folder);
  if (host === undefined) return { uids: [], gids: [] };
  const [user, , , gid = ''] = userFields(lines(join(host, 'etc/passwd')), uid);
  const rangesIn = (name: string) => ranges(lines(join(host, 'etc', name)), [String(uid), ...(user ? [user] : [])]);
  const group = /^\d{1,10}$/.test(gid) ? rangeOf(0, Number(gid), 1)?.host : undefined;
  return { uids: rangesIn('subuid'), gids: rangesIn('subgid'), ...(group !== undefined && { group }) };
}

/** A user may have an `etc` of his own: that of the host belongs to root. */
function hostOf(folder: string): string | undefined {
  let at: string;
  try {
    at = realpathSync(folder);
  } catch {
    return undefined;
  }
  for (; ; at = dirname(at)) {
    const found = statSync(join(at, 'etc/passwd'), { throwIfNoEntry: false });
    if (found?.isFile() && found.uid === 0) return at;
    if (at === dirname(at)) return undefined;
  }
}

function lines(path: string): readonly string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile() || found.size > MAX_DOCUMENT) return [];
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

function userFields(passwd: readonly string[], uid: number): readonly string[] {
  return passwd.map((line) => line.split(':')).find((fields) => fields[2] === String(uid)) ?? [];
}

/** @param users the name of the user, and its number as text */
function ranges(subordinate: readonly string[], users: readonly string[]): readonly SubordinateRange[] {
  return subordinate.flatMap((line) => {
    const [user = '', start, size] = line.trim().split(':');
    if (!users.includes(user)) return [];
    const range = rangeOf(0, Number(start), Number(size));
    return range ? [{ start: range.host, size: range.size }] : [];
  });
}
