import { expect, test } from 'vitest';
import { TYPE } from '#dimgx/tar/header.js';
import { isPortable } from '#dimgx/tar/portable-record.js';

const record = (key: string, value: Uint8Array) => ({ key, value, raw: value });

test.each<readonly [key: string, value: string, can: boolean]>([
  ['path', 'etc/passwd', true],
  ['path', 'Főtanúsítvány', false],
  ['linkpath', '\xff', false],
  ['uname', 'root', false],
  ['gname', 'root', false],
  ['mtime', '1.5', true],
  ['SCHILY.xattr.security.capability', '\x01\0\0\x02', true],
  ['SCHILY.xattr.system.posix_acl_access', '\x02\0', true],
  ['SCHILY.xattr.trusted.overlay.opaque', 'y', false],
  ['SCHILY.xattr.trusted.overlays', 'y', true],
  ['SCHILY.xattr.user.trusted.overlay.opaque', 'y', true],
  ['SCHILY.xattr.security.selinux', 'system_u:object_r:bin_t:s0', true],
  ['SCHILY.xattr.user.', 'y', false],
  ['SCHILY.xattr.user', 'y', false],
  [`SCHILY.xattr.user.${'k'.repeat(250)}`, 'y', true],
  [`SCHILY.xattr.user.${'k'.repeat(251)}`, 'y', false],
  ['SCHILY.xattr.USER.a', 'y', false],
  ...['com.apple.provenance', 'system.nfs4_acl', 'system.cifs_acl', 'btrfs.compression', 'lustre.lov', 'ceph.dir'].map(
    (name) => [`SCHILY.xattr.${name}`, 'y', false] as const,
  ),
  ...['afs', 'os2.x', 'xfsroot.x', 'security.', 'trusted.'].map(
    (name) => [`SCHILY.xattr.${name}`, 'y', false] as const,
  ),
  ['MSWINDOWS.rawsd', 'y', false],
  ['LIBARCHIVE.creationtime', '1', false],
  ['LIBARCHIVE.xattr.user.a', 'y', false],
  ['SCHILY.acl.access', 'user::rw-', false],
  ['VENDOR.key', 'y', false],
])('a record %s=%j can stand in the output of a file: %s', (key, value, can) => {
  expect(isPortable(record(key, Buffer.from(value)), TYPE.file)).toBe(can);
});

test('a user xattr can stand only on what Linux lets have one', () => {
  const own = record('SCHILY.xattr.user.a', Buffer.from('x'));
  const types = [TYPE.file, TYPE.directory, TYPE.symlink, TYPE.fifo, TYPE.charDevice];
  expect(types.map((type) => isPortable(own, type))).toEqual([true, true, false, false, false]);
});

test('a default ACL can stand only on a directory', () => {
  const acl = record('SCHILY.xattr.system.posix_acl_default', Buffer.from('\x02\0'));
  const types = [TYPE.file, TYPE.directory, TYPE.symlink, TYPE.fifo, TYPE.charDevice];
  expect(types.map((type) => isPortable(acl, type))).toEqual([false, true, false, false, false]);
});

test('a POSIX ACL can stand on anything but a symlink', () => {
  const acl = record('SCHILY.xattr.system.posix_acl_access', Buffer.from('\x02\0'));
  const types = [TYPE.file, TYPE.directory, TYPE.symlink, TYPE.fifo, TYPE.charDevice];
  expect(types.map((type) => isPortable(acl, type))).toEqual([true, true, false, true, true]);
});
