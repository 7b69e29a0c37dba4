import { latin1 } from '../../tar/pax.js';
import type { RecordedEntry, VersionOrigin } from '../recorded-entry.js';
import type { InodeNames } from './inode-names.js';

/** Most aliases, and most shadows, that a line lists. */
const MOST_LISTED = 128;

const MAX_NUMBER = 2 ** 31 - 1;

/** What a line of provenance can be held against. */
export interface OriginContext {
  /** Number of layers that the first line lists. */
  readonly layers: number;
  /** The names in the flat tar, for a version that is hidden. */
  readonly present?: InodeNames | undefined;
}

/**
 * What about a version cannot be as a line of provenance says, although no tar tells it.
 *
 * @returns worded to follow "line 3"; `undefined` if nothing is wrong
 */
export function originFlaw(entry: RecordedEntry, context: OriginContext): string | undefined {
  const { origin } = entry;
  const { inode, nlink, shadows, moreShadows, hiddenBy, isImplied } = origin;
  const isLayer = (layer: number) => layer >= 1 && layer <= context.layers;
  if (!isLayer(origin.layer)) return 'is of a layer that the first line does not list';
  if (!isCount(inode)) return 'has no inode that could be one';
  if (!isCount(nlink)) return 'has no nlink that could be one';
  if (shadows.length > MOST_LISTED || (moreShadows > 0 && shadows.length < MOST_LISTED)) return 'miscounts shadows';
  if (shadows.some((shadow) => !isLayer(shadow.layer) || !isCount(shadow.inode))) return 'has an impossible shadow';
  if (isImplied && !canBeImplied(entry)) return 'calls implied what an entry describes';
  if (!hiddenBy) return origin.aliveAs.length + origin.moreAliveAs > 0 ? 'has aliveAs, but is present' : undefined;
  if (!isLayer(hiddenBy.layer) || !canHide(hiddenBy, entry)) return 'is hidden by what cannot hide it';
  return context.present && !isAlive(origin, context.present)
    ? 'has another aliveAs than the names of the file in the flat tar'
    : undefined;
}

function isCount(number: number): boolean {
  return number >= 1 && number <= MAX_NUMBER;
}

/** Directories that no entry describes are made with these values. */
function canBeImplied({ type, mode, uid, gid, mtime, xattrs, origin }: RecordedEntry): boolean {
  const { seconds, nanos } = mtime;
  const isMade = type === 'directory' && mode === 0o755 && xattrs.size === 0;
  return isMade && [uid, gid, seconds, nanos].every((number) => number === 0) && !origin.hiddenBy;
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

/**
 * A whiteout bears the name of what it removes, or of a directory above that. The directories on the way can be others,
 * and so can all names of an entry that replaces something: symlinks lead there.
 */
function canHide({ layer, how, path: hider }: NonNullable<VersionOrigin['hiddenBy']>, entry: RecordedEntry): boolean {
  const name = latin1(hider).split('/').at(-1) as string;
  if (how === 'duplicate') return layer === entry.origin.layer;
  if (how === 'replaced') return layer !== entry.origin.layer;
  if (how === 'opaque') return name === OPAQUE;
  const own = latin1(entry.path).split('/');
  return how !== 'removed' || own.includes(name) || own.includes(name.replace(WHITEOUT, ''));
}

function isAlive({ inode, aliveAs, moreAliveAs }: VersionOrigin, present: InodeNames): boolean {
  return (
    aliveAs.length <= MOST_LISTED &&
    present.count(inode) === aliveAs.length + moreAliveAs &&
    present.begins(inode, aliveAs)
  );
}
