import { checkOptions } from '../check-options.js';
import { type DeviceNumbers, textOf } from '../layer/entries.js';
import type { LayerIndex } from '../layer/layer-index.js';
import { mergeLayers } from '../merge/merge-layers.js';
import type { MergeOptions } from '../options.js';
import { indexedEntry } from './indexed-entry.js';
import type { HiddenHow, RecordedType } from './recorded-entry.js';
import { Versions } from './versions.js';

/** What one entry of one layer made of a path. Text is decoded as UTF-8; invalid bytes become U+FFFD. */
export interface Version {
  /** Path from the root, without a slash at either end; empty for the root. */
  readonly path: string;
  readonly pathBytes: Uint8Array;
  readonly type: RecordedType;
  /** The low 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Size of the contents, in bytes; 0 unless it is a file. The holes of a sparse file count. */
  readonly size: number;
  /** Seconds since 1970, floored, and nanoseconds to add. */
  readonly mtime: number;
  readonly mtimeNanos: number;
  /** Target of a symlink, as stored. */
  readonly target?: string;
  readonly targetBytes?: Uint8Array;
  readonly device?: DeviceNumbers;
  /** The same number for all names of one file. */
  readonly inode: number;
  /** Number of names of the file: present ones for a present version, hidden ones for a hidden one. */
  readonly nlink: number;
  /** The layer that made it, where 1 is the base of the image; so do the other numbers of layers count. */
  readonly layer: number;
  readonly diffId?: string;
  /** The command that made the layer. */
  readonly createdBy?: string;
  readonly state: 'present' | 'hidden';
  /** What hides it: an entry of a layer, with its path as in that layer. */
  readonly hiddenBy?: { readonly layer: number; readonly how: HiddenHow; readonly path: string };
  /** Present names of the same file, of a hidden version: the first 128, and beyond the first no more than 4,095 bytes. */
  readonly aliveAs: readonly string[];
  /** Older versions of the path, newest first; at most 128. */
  readonly shadows: readonly { readonly layer: number; readonly inode: number }[];
  /** No entry describes it: it is a directory that the paths of other entries imply. */
  readonly implied: boolean;
}

/**
 * Lists every version of every path: those that are present, in the order of the flat tar, then those that are hidden,
 * by layer and then by path. Views are created one at a time; nothing but the indexes is read.
 *
 * @param layers as for `mergeLayers`
 * @throws as `mergeLayers`
 */
export function* listVersions(
  layers: readonly LayerIndex[],
  options: Omit<MergeOptions, 'explain' | 'onEntry'> = {},
): Generator<Version, void, void> {
  checkOptions(options);
  const versions = new Versions(mergeLayers(layers, { ...options, explain: true }));
  for (const node of versions.present) yield view(versions, node);
  for (const node of versions.hidden) yield view(versions, node);
}

function view(versions: Versions, node: number): Version {
  const { path, mtime, target, device, type, mode, uid, gid, size, origin: all } = indexedEntry(versions, node);
  const { diffId, createdBy, hiddenBy, aliveAs, isImplied, ...origin } = all;
  const { entry: _, moreAliveAs: __, moreShadows: ___, ...listed } = origin;
  return {
    path: textOf(path),
    pathBytes: path,
    ...{ type, mode, uid, gid, size },
    mtime: mtime.seconds,
    mtimeNanos: mtime.nanos,
    ...(target && { target: textOf(target), targetBytes: target }),
    ...(device && { device }),
    ...listed,
    ...(diffId !== undefined && { diffId }),
    ...(createdBy !== undefined && { createdBy }),
    state: hiddenBy ? 'hidden' : 'present',
    ...(hiddenBy && { hiddenBy: { ...hiddenBy, path: textOf(hiddenBy.path) } }),
    aliveAs: aliveAs.map(textOf),
    implied: isImplied,
  };
}
