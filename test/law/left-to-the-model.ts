import type { Ignore } from '../helpers/tree-differences.js';
import { directoryOf, placeOf } from './own-symlinks.js';
import type { Stack } from './random-stack.js';
import {
  changing,
  dropping,
  isBetween,
  isDuplicate,
  isHardLink,
  isInPlaceOfOwnTree,
  isTooLong,
  isWhiteoutOfOwn,
  withoutMarkersThatCannotBeWritten,
  withoutPax,
  withoutRefusedAlone,
  withoutTime,
  withoutUselessMarkers,
} from './withheld-entries.js';

/** Who shows what a container sees: an overlay mount of the layers, each unpacked alone; Docker Engine 20.10 with overlay2. */
export type Judge = 'overlay' | 'docker';

/** A row of how layers apply on which a judge is not heard, because it shows something else or refuses the layers. */
export interface LeftRow {
  readonly row: string;
  readonly judges: readonly Judge[];
  /** What the judge does instead. */
  readonly reason: string;
  /** The stack without what brings the row about. */
  readonly without?: (stack: Stack) => Stack;
  /** What of the judge's tree is open, when it unpacked the layers after `since` (in milliseconds). */
  readonly open?: (since: number) => Ignore;
  /** A smallest stack on which the judge differs or refuses. */
  readonly example: Stack;
}

const BOTH = ['overlay', 'docker'] as const;
const CAPABILITY = 'SCHILY.xattr.security.capability';
const ACL = 'SCHILY.xattr.system.posix_acl_access';
const DEEP = Array.from({ length: 16 }, () => 'd'.repeat(255)).join('/');

/** All rows that are left to the reference model alone. Everything else in a random stack is judged by each judge. */
export const LEFT_TO_THE_MODEL: readonly LeftRow[] = [
  {
    row: '1.4, 2.2: metadata of directories without an entry in the newest layer that has them',
    judges: BOTH,
    reason: 'overlay shows those of the directory that the unpacking made; Docker ignores entries of the root',
    open:
      (since) =>
      (_, field, { type, mtime }) => {
        const isMetadata = ['mode', 'owner', 'mtime', 'xattrs'].includes(field);
        return isMetadata && type === 'directory' && isBetween(Number(mtime) * 1000, since - 1000, Date.now() + 1000);
      },
    example: [[{ name: 'd', type: '5', mode: 0o1777 }], [{ name: 'd/f' }]],
  },
  {
    row: '1.8: components over 255 bytes, paths of nearly 4,095',
    judges: BOTH,
    reason: 'with the slash or the folder in front of it a path is longer than Linux takes',
    without: dropping((entry, layer) => isTooLong(placeOf(layer, entry))),
    example: [[{ name: DEEP }]],
  },
  {
    row: '2.3: a symlink of the layer that leads into an older one, as parent',
    judges: BOTH,
    reason: 'in the layer alone it leads nowhere, and the layer is refused',
    without: (stack) => stack.map((layer) => withoutRefusedAlone(layer, 'DIMGX_ENTRY_BAD_PARENT')),
    example: [
      [{ name: 'd', type: '5' }],
      [
        { name: 's', type: '2', link: 'd' },
        { name: 's/f', mtime: 1 },
      ],
    ],
  },
  {
    row: '3: something in the place of a directory in which its own layer has brought directories or symlinks',
    judges: ['docker'],
    reason:
      'times of directories are set last, and these are gone; where one of the symlinks leads there, what it leads through is removed first: the layer is refused',
    without: dropping(isInPlaceOfOwnTree),
    example: [[{ name: 'd/e', type: '5' }, { name: 'd' }]],
  },
  {
    row: '4.10: a marker below such a symlink, or below something that is no directory',
    judges: ['docker'],
    reason: 'a marker is written like a file; where a file could not be, the layer is refused',
    without: (stack) => stack.map(withoutMarkersThatCannotBeWritten),
    example: [[{ name: 'd/a' }], [{ name: 's', type: '2', link: 'd' }, { name: 's/.wh.a' }]],
  },
  {
    row: '4.3: markers whose directory is not there',
    judges: BOTH,
    reason: 'the directory is made to hold them',
    without: (stack) => stack.map((layer, i) => withoutUselessMarkers(stack.slice(0, i), layer)),
    example: [[{ name: 'd/.wh.a' }]],
  },
  {
    row: '4.4, 4.5: a whiteout of what its own layer brings',
    judges: ['docker'],
    reason: 'it is refused behind a file, and lost before a directory; for the overlay the directory is made opaque',
    without: dropping(isWhiteoutOfOwn),
    example: [[{ name: 'd/a' }], [{ name: '.wh.d' }, { name: 'd', type: '5' }]],
  },
  {
    row: '4.8: whiteouts that name nothing',
    judges: BOTH,
    reason: 'overlayfs has no such thing, and Docker cannot make it',
    without: dropping(({ path, marker }) => marker === 'none' && !path.startsWith('.wh..wh.')),
    example: [[{ name: 'd/a' }], [{ name: 'd/.wh.' }]],
  },
  {
    row: '5.4: an opaque marker at the root',
    judges: BOTH,
    reason: 'overlayfs ignores the xattr of the root of a layer',
    without: dropping((entry, layer) => entry.marker === 'opaque' && directoryOf(layer, entry) === ''),
    example: [[{ name: 'a' }], [{ name: '.wh..wh..opq' }]],
  },
  {
    row: '6: files among the leftovers of AUFS',
    judges: BOTH,
    reason: 'they and their directory stay',
    without: dropping((entry, layer) => /^\.wh\.\.wh\.(aufs|plnk|orph)\//.test(placeOf(layer, entry))),
    example: [[{ name: '.wh..wh.plnk/1' }]],
  },
  {
    row: '7: duplicates',
    judges: ['docker'],
    reason:
      'they are refused; where symlinks hide them, a directory in the place of something else shows older children',
    without: dropping(isDuplicate),
    example: [[{ name: 'a' }, { name: './a' }]],
  },
  {
    row: '8.1, 8.5: mode and time of a link whose target is spelled with `x/..`',
    judges: ['docker'],
    reason: 'Docker looks for the target as it is spelled, and applies only the owner where it finds none',
    without: changing((raw, _, { target }) =>
      isHardLink(raw) && raw.link?.split('/').includes('..') ? { ...raw, link: target } : raw,
    ),
    example: [[{ name: 'a' }, { name: 'b', type: '1', link: 'x/../a', mode: 0o600 }]],
  },
  {
    row: '8.2: hard links to older layers',
    judges: BOTH,
    reason: 'in the layer alone there is no target, and the layer is refused',
    without: (stack) => stack.map((layer) => withoutRefusedAlone(layer, 'DIMGX_ENTRY_BAD_LINK')),
    example: [[{ name: 'a' }], [{ name: 'b', type: '1', link: 'a' }]],
  },
  {
    row: '8.5: capabilities and ACLs of what is linked',
    judges: BOTH,
    reason: "Linux takes a capability away, and rewrites an ACL, when the link's owner and mode are applied",
    without: changing((raw, layer) =>
      layer.some(isHardLink) ? withoutPax(raw, (key) => [CAPABILITY, ACL].includes(key)) : raw,
    ),
    example: [
      [
        { name: 'a', pax: [[CAPABILITY, `\x01\0\0\x02\0\x20${'\0'.repeat(14)}`]] },
        { name: 'b', type: '1', link: 'a' },
      ],
    ],
  },
  {
    row: '8.5: the time in the header of a link to a symlink',
    judges: ['docker'],
    reason: 'Docker leaves the time of the symlink as it is',
    without: changing((raw, layer) =>
      layer.some(isHardLink) && layer.some(({ type }) => type === '2') && ['1', '2'].includes(raw.type ?? '0')
        ? withoutTime(raw)
        : raw,
    ),
    example: [
      [
        { name: 'a', type: '2', link: 'x' },
        { name: 'b', type: '1', link: 'a', mtime: 9 },
      ],
    ],
  },
  {
    row: '9: contiguous and old sparse files',
    judges: ['docker'],
    reason: 'it knows no such type, and refuses them',
    without: dropping(({ raw }) => raw.type === '7' || raw.type === 'S'),
    example: [[{ name: 'a', type: '7' }]],
  },
  {
    row: '10: times before 1970 and after 2262',
    judges: ['docker'],
    reason: 'they are set to 0, those of symlinks overflow',
    without: changing((raw, _, { mtime }) => (isBetween(Number(mtime), 0, 9_223_372_035) ? raw : withoutTime(raw))),
    example: [[{ name: 'a', mtime: -5 }]],
  },
  {
    row: '10: times that no file system keeps',
    judges: ['overlay'],
    reason: 'ext4 ends in 2446, others soon after',
    without: changing((raw, _, { mtime }) => (Number(mtime) < 15_032_385_535 ? raw : withoutTime(raw))),
    example: [[{ name: 'a', mtime: 2 ** 40 }]],
  },
  {
    row: '10: xattrs that command overlayfs',
    judges: ['docker'],
    reason: 'they are set, and obeyed',
    without: changing((raw) => withoutPax(raw, (key) => key.startsWith('SCHILY.xattr.trusted.overlay.'))),
    example: [[{ name: 'd/a' }], [{ name: 'd', type: '5', pax: [['SCHILY.xattr.trusted.overlay.opaque', 'y']] }]],
  },
  {
    row: '10: xattrs without a value',
    judges: ['docker'],
    reason: "Go's reader takes a PAX record without a value for one that is not there",
    without: changing((raw) => withoutPax(raw, (key, value) => key.startsWith('SCHILY.xattr.') && value === '')),
    example: [[{ name: 'a', pax: [['SCHILY.xattr.trusted.t', '']] }]],
  },
];

/** A row of which the overlay judge has to be told, as its layers cannot tell it: its unpacker makes a directory opaque. */
export interface ToldRow {
  readonly row: string;
  readonly reason: string;
  /** A smallest stack on which it differs when it is not told. */
  readonly example: Stack;
}

export const TOLD_TO_OVERLAY: readonly ToldRow[] = [
  {
    row: '4.5: a directory that is whited out and brought by one layer',
    reason: 'a whiteout and a directory cannot stand in one place',
    example: [[{ name: 'd/a' }], [{ name: '.wh.d' }, { name: 'd', type: '5' }]],
  },
  {
    row: '3, 7: a directory in the place of something else of its own layer',
    reason: 'what had hidden the older directory is gone',
    example: [[{ name: 'd/a' }], [{ name: 'd' }, { name: 'd', type: '5' }]],
  },
];
