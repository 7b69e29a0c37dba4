import { TREE_FIELDS, type Tree, type TreeEntry, type TreeField } from './tree.js';

/** Whether a field may differ. `entry` is the expected one. */
export type Ignore = (path: string, field: TreeField, entry: TreeEntry) => boolean;

/**
 * The fields that an image does not determine: the time of the root, which has no entry in any of Docker's layers, and
 * the time of a directory without an entry in the newest layer that touches it. An engine creates such a directory when
 * it unpacks the layer, so in its mount the time is that of loading. A time that comes from an entry is older, and must
 * be equal.
 *
 * @param loadedAt when the engine began to load the image, in milliseconds; if missing, only the root's time is left
 *   open
 */
export function timesLeftOpen(loadedAt = Number.POSITIVE_INFINITY): Ignore {
  return (path, field, entry) =>
    field === 'mtime' && (path === '.' || (entry.type === 'directory' && Number(entry.mtime) * 1000 >= loadedAt));
}

/** One line for each difference between the trees, sorted by path; empty if they are equal. */
export function treeDifferences(expected: Tree, actual: Tree, ignore: Ignore = timesLeftOpen()): string[] {
  const lines: string[] = [];
  for (const path of [...new Set([...expected.keys(), ...actual.keys()])].sort()) {
    const [wanted, got] = [expected.get(path), actual.get(path)];
    const name = JSON.stringify(path);
    if (wanted === undefined) lines.push(`${name}: a ${got?.type} that should not be there`);
    else if (got === undefined) lines.push(`${name}: missing, a ${wanted.type}`);
    else {
      for (const field of TREE_FIELDS) {
        if (wanted[field] === got[field] || ignore(path, field, wanted)) continue;
        lines.push(`${name}: ${field} is ${JSON.stringify(got[field])}, should be ${JSON.stringify(wanted[field])}`);
      }
    }
  }
  return lines;
}
