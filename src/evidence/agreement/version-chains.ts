import { Column } from '../../merge/node.js';
import type { RecordedEntry, VersionOrigin } from '../recorded-entry.js';
import { otherPathHash, pathHash } from './path-hash.js';

/**
 * Whether the versions of each path form a chain: each but the newest is a shadow of the next, followed by its own
 * shadows. Older descriptions of a directory, which are no versions, may come before it. Takes 16 bytes a line.
 */
export class VersionChains {
  /** A hash of each line: of its path, inode, layer and shadows. */
  readonly #told = new Column(1024);
  /** The same of the lines that others name. */
  readonly #named = new Column(16);
  /** Two hashes of the path of each line, in turn. */
  readonly #paths = new Column(1024);
  /** Number of lines that name one, but do not list all that it has. */
  #cut = 0;

  add({ path, type, origin }: Pick<RecordedEntry, 'path' | 'type' | 'origin'>): void {
    const { layer, inode, shadows, moreShadows } = origin;
    this.#paths.push(pathHash(path));
    this.#paths.push(otherPathHash(path));
    this.#told.push(linkHash(path, layer, inode, shadows));
    const at = type === 'directory' ? shadows.findIndex((shadow) => shadow.inode !== inode) : 0;
    const next = shadows[at];
    if (!next) return;
    if (moreShadows > 0) this.#cut++;
    else this.#named.push(linkHash(path, next.layer, next.inode, shadows.slice(at + 1)));
  }

  /** Call it once all lines have been added. */
  areWhole(): boolean {
    const [told, named] = [this.#told.toArray().sort(), this.#named.toArray().sort()];
    const paths = new BigInt64Array(this.#paths.toArray().buffer).sort();
    return told.length - named.length - this.#cut === countDistinct(paths) && isPartOf(named, told);
  }
}

/** Of a sorted list. */
function countDistinct(sorted: BigInt64Array): number {
  let count = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) count++;
  return count;
}

/** Whether a sorted list has all elements of another one, each as often as that. */
function isPartOf(part: Int32Array, whole: Int32Array): boolean {
  let at = 0;
  return part.every((hash) => {
    while (at < whole.length && (whole[at] as number) < hash) at++;
    return whole[at++] === hash;
  });
}

function linkHash(path: Uint8Array, layer: number, inode: number, shadows: VersionOrigin['shadows']): number {
  return pathHash(path, layer, inode, ...shadows.flatMap((shadow) => [shadow.layer, shadow.inode]));
}
