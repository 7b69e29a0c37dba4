import { TYPE } from '../../../tar/header.js';

/** What an engine that may not change owners keeps in an attribute instead. */
interface Override {
  readonly uid?: number;
  readonly gid?: number;
  readonly mode?: number;
  readonly type?: number;
  readonly major?: number;
  readonly minor?: number;
  /** The attributes that the container sees. */
  readonly xattrs?: readonly (readonly [string, Uint8Array])[];
}

/** Source: containers/storage, pkg/idtools/idtools.go; fuse-overlayfs, utils.h. */
const STAT_KEYS: readonly string[] = [
  'user.containers.override_stat',
  'security.fuseoverlayfs.override_stat',
  'user.fuseoverlayfs.override_stat',
];
/** Before the name of an attribute that the file system did not take. */
const XATTR_PREFIX = 'user.containers.override_';

const TYPES: Readonly<Record<string, number>> = {
  file: TYPE.file,
  dir: TYPE.directory,
  symlink: TYPE.symlink,
  pipe: TYPE.fifo,
  socket: 0,
  block: TYPE.blockDevice,
  char: TYPE.charDevice,
};

/** Reads `UID:GID:MODE[:TYPE]` from the attributes of a file; devices are written `block-MAJOR-MINOR`. */
export function parseOverride(xattrs: readonly (readonly [string, Uint8Array])[]): Override {
  const text = xattrs.find(([name]) => STAT_KEYS.includes(name))?.[1];
  if (!text) return {};
  const pattern = /^(\d+):(\d+):([0-7]+)(?::(file|dir|symlink|pipe|socket|block|char)(?:-(\d+)-(\d+))?)?\0?$/;
  const found = pattern.exec(Buffer.from(text).toString('latin1'));
  if (!found) return {};
  const [, uid, gid, mode, kind, major, minor] = found;
  const own = xattrs.filter(([name]) => !STAT_KEYS.includes(name) && !name.startsWith(XATTR_PREFIX));
  const carried = xattrs.flatMap(([name, value]) =>
    name.startsWith(XATTR_PREFIX) && !STAT_KEYS.includes(name)
      ? [[name.slice(XATTR_PREFIX.length), value] as const]
      : [],
  );
  return {
    uid: Number(uid),
    gid: Number(gid),
    mode: Number.parseInt(mode as string, 8) & 0o7777,
    ...(kind !== undefined && { type: TYPES[kind] as number }),
    ...(major !== undefined && { major: Number(major), minor: Number(minor) }),
    xattrs: [...own.filter(([name]) => !carried.some(([key]) => key === name)), ...carried],
  };
}
