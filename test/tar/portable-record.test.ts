import { expect, test } from 'vitest';
import { TYPE } from '#dimgx/tar/header.js';
import { isPortable } from '#dimgx/tar/portable-record.js';

const record = (key: string, value: Uint8Array) => ({ key, value, raw: value });

test.each([
  ['path', 'etc/passwd', true],
  ['path', 'Főtanúsítvány', false],
  ['linkpath', '\xff', false],
  ['mtime', '1.5', true],
  ['SCHILY.xattr.security.capability', '\x01\0\0\x02', true],
  ['SCHILY.xattr.system.posix_acl_access', '\x02\0', true],
  ['SCHILY.xattr.trusted.overlay.opaque', 'y', false],
  ['SCHILY.xattr.trusted.overlays', 'y', true],
  ['SCHILY.xattr.user.trusted.overlay.opaque', 'y', true],
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

test('a POSIX ACL can stand on anything but a symlink', () => {
  const acl = record('SCHILY.xattr.system.posix_acl_access', Buffer.from('\x02\0'));
  const types = [TYPE.file, TYPE.directory, TYPE.symlink, TYPE.fifo, TYPE.charDevice];
  expect(types.map((type) => isPortable(acl, type))).toEqual([true, true, false, true, true]);
});
