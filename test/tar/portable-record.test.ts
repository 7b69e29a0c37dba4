import { expect, test } from 'vitest';
import { TYPE } from '#dimgx/tar/header.js';
import { isPortable } from '#dimgx/tar/portable-record.js';

const isPortableOn = (type: number, key: string, value: string) =>
  isPortable({ key, value: Buffer.from(value, 'latin1'), raw: Buffer.alloc(0) }, type);

test.each([
  ['mtime', '1.5'],
  ['path', 'a\nb'],
  ['uname', 'root'],
  ['GNU.sparse.map', '0,1'],
  ['SCHILY.xattr.user.a', '\xff\0'],
  ['SCHILY.xattr.security.capability', '\x01'],
  ['SCHILY.xattr.trusted.overlays', 'y'],
  ['SCHILY.xattr.user.trusted.overlay.opaque', 'y'],
])('%s can stand in the output', (key, value) => expect(isPortableOn(TYPE.file, key, value)).toBe(true));

test.each([
  ['path', '\xc3\xa9'],
  ['linkpath', '\xff'],
  ['uname', '\xff'],
  ['hdrcharset', 'BINARY'],
  ['SCHILY.devmajor', '7'],
  ['SCHILY.acl.access', 'user::rwx'],
  ['SCHILY.fflags', 'immutable'],
  ['SCHILY.xattr.trusted.overlay.opaque', 'y'],
  ['LIBARCHIVE.xattr.user.a', 'eA=='],
  ['LIBARCHIVE.xattr.trusted%2Eoverlay%2eopaque', 'eQ=='],
  ['trusted.overlay.opaque', 'y'],
])('%s cannot', (key, value) => expect(isPortableOn(TYPE.file, key, value)).toBe(false));

test.each([
  [TYPE.file, true],
  [TYPE.directory, true],
  [TYPE.symlink, false],
  [TYPE.fifo, false],
  [TYPE.charDevice, false],
])('user.* xattrs on type %d: %s', (type, isOne) => expect(isPortableOn(type, 'SCHILY.xattr.user.a', '1')).toBe(isOne));
