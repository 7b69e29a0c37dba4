import { type BigIntStats, constants } from 'node:fs';
import type { ByteName } from '../../../base/io/open-folder.js';
import { TYPE } from '../../../tar/header.js';
import { type FolderForm, markIn } from './folder-form.js';
import { parseOverride } from './stat-override.js';
import type { Xattrs } from './xattrs.js';

/** What a file in an engine's storage is to its container. */
export interface DiskEntry {
  readonly name: ByteName;
  readonly stats: BigIntStats;
  /** One of `TYPE`; 0 for a socket, which no tar can hold. */
  readonly type: number;
  /** The low 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly major: number;
  readonly minor: number;
  /** Whether the target of the symlink is in the contents of the file. */
  readonly isLinkInContents: boolean;
  /** Removes what older layers have by its name. */
  readonly isWhiteout: boolean;
  /** A folder that hides what older layers have in it. */
  readonly isOpaque: boolean;
  /** What older layers call it: a name beside it or, with a slash at its start, a path. */
  readonly redirect: ByteName | undefined;
  /** Whether its contents are in an older layer: overlayfs has copied up nothing but its metadata. */
  readonly isMetacopy: boolean;
  /** Whether any of its attributes is a mark. */
  readonly hasMarks: boolean;
  /** Without marks. */
  readonly xattrs: readonly (readonly [name: string, value: Uint8Array])[];
}

/** Types by the bits of a mode. Source: inode(7). */
const TYPES: Readonly<Record<number, number>> = {
  [constants.S_IFREG]: TYPE.file,
  [constants.S_IFDIR]: TYPE.directory,
  [constants.S_IFLNK]: TYPE.symlink,
  [constants.S_IFIFO]: TYPE.fifo,
  [constants.S_IFCHR]: TYPE.charDevice,
  [constants.S_IFBLK]: TYPE.blockDevice,
};

/** A label that the host puts on files: it says nothing about the container. */
const HOST_LABEL = 'security.selinux';

/** @param xattrs all attributes of the file */
export function diskEntry(name: ByteName, stats: BigIntStats, xattrs: Xattrs, form: FolderForm): DiskEntry {
  const marks = new Map<string, Uint8Array>();
  const kept: (readonly [string, Uint8Array])[] = [];
  for (const [key, value] of xattrs) {
    const mark = markIn(key, form);
    if (mark !== undefined) marks.set(mark, value);
    else if (key !== HOST_LABEL) kept.push([key, value]);
  }
  const mode = Number(stats.mode);
  const override = parseOverride(kept);
  const {
    type = TYPES[mode & constants.S_IFMT] ?? 0,
    major = majorOf(stats.rdev),
    minor = minorOf(stats.rdev),
  } = override;
  const isDirectory = type === TYPE.directory;
  const isDevice = type === TYPE.charDevice || type === TYPE.blockDevice;
  const isOverlay = form !== 'tree';
  return {
    name,
    stats,
    type,
    mode: override.mode ?? mode & 0o7777,
    uid: override.uid ?? Number(stats.uid),
    gid: override.gid ?? Number(stats.gid),
    major: isDevice ? major : 0,
    minor: isDevice ? minor : 0,
    isLinkInContents: override.type === TYPE.symlink && (mode & constants.S_IFMT) === constants.S_IFREG,
    isWhiteout: isOverlay && (isWhiteoutDevice(mode, stats) || (marks.has('whiteout') && stats.size === 0n)),
    isOpaque: isDirectory && isYes(marks.get('opaque')),
    redirect: textOf(marks.get('redirect')),
    isMetacopy: type === TYPE.file && marks.has('metacopy'),
    hasMarks: marks.size > 0,
    xattrs: override.xattrs ?? kept,
  };
}

/** A device 0:0. */
function isWhiteoutDevice(mode: number, { rdev }: BigIntStats): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFCHR && rdev === 0n;
}

/** `x` only says that whiteouts in the folder are marked by attributes. Source: Linux, overlayfs.rst. */
function isYes(value: Uint8Array | undefined): boolean {
  return value !== undefined && Buffer.from(value).toString('latin1') === 'y';
}

function textOf(value: Uint8Array | undefined): ByteName | undefined {
  return value && Buffer.from(value).toString('latin1').replace(/\0+$/, '');
}

/** Source: glibc, sys/sysmacros.h. */
function majorOf(device: bigint): number {
  return Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n));
}

function minorOf(device: bigint): number {
  return Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n));
}
