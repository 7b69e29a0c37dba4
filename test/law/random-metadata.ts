import fc from 'fast-check';
import type { RawEntry } from '../helpers/raw-layer.js';

type Pax = NonNullable<RawEntry['pax']>;

/** `user::rw-,user:1000:r--,group::r--,mask::r--,other::r--`, which goes with 0644. Source: Linux, posix_acl_xattr.h. */
const ACL = [
  '\x02\0\0\0',
  '\x01\0\x06\0\xff\xff\xff\xff',
  '\x02\0\x04\0\xe8\x03\0\0',
  '\x04\0\x04\0\xff\xff\xff\xff',
  '\x10\0\x04\0\xff\xff\xff\xff',
  '\x20\0\x04\0\xff\xff\xff\xff',
].join('');

/** `cap_net_raw+ep`. Source: Linux, capability.h, version 2. */
const CAPABILITY = `\x01\0\0\x02\0\x20${'\0'.repeat(14)}`;

const XATTRS: readonly Pax[] = [
  [['SCHILY.xattr.trusted.t', 'v\n=\0\xff']],
  [['SCHILY.xattr.user.t', 'x']],
  [['SCHILY.xattr.security.capability', CAPABILITY]],
  [['SCHILY.xattr.system.posix_acl_access', ACL]],
  [
    ['SCHILY.xattr.trusted.t', 'w'],
    ['SCHILY.xattr.trusted.u', ''],
  ],
  [
    ['SCHILY.xattr.trusted.overlay.opaque', 'y'],
    ['SCHILY.xattr.trusted.t', '1'],
  ],
  [
    ['LIBARCHIVE.xattr.trusted.l', 'eA=='],
    ['SCHILY.acl.access', 'user::rwx'],
    ['uname', '\xff'],
  ],
  [
    ['SCHILY.devmajor', '9'],
    ['VENDOR.x', ''],
  ],
];

export interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly pax: Pax;
  /** Names, which the tree does not go by. */
  readonly owners?: NonNullable<RawEntry['owners']>;
}

/** Owner, permissions, time and xattrs; often the usual ones. */
export const metadata: fc.Arbitrary<Metadata> = fc
  .record({
    mode: fc.constantFrom(0o644, 0o644, 0o755, 0o4755, 0o1777, 0, 0o600, 0o100644),
    uid: fc.constantFrom(0, 0, 0, 1000, 3_000_000, 4_000_000_000),
    gid: fc.constantFrom(0, 0, 0, 1000, 3_000_000),
    mtime: fc.constantFrom(0, 0, 0, 1, 1_500_000_000, 9_000_000_000, 12_000_000_000, -5, 2 ** 40),
    fraction: fc.constantFrom('', '', '', '.5', '.999999999', '.000000001', '.1234567899'),
    xattrs: fc.oneof(
      { withCrossShrink: true },
      { weight: 6, arbitrary: fc.constant([] as Pax) },
      { weight: 2, arbitrary: fc.constantFrom(...XATTRS) },
    ),
    paxOwner: fc.constantFrom(0, 0, 0, 0, 0, 70_000),
  })
  .map(({ mode, uid, gid, mtime, fraction, xattrs, paxOwner }) => ({
    mode: xattrs[0]?.[1] === ACL ? 0o644 : mode,
    uid,
    gid,
    mtime,
    ...(uid === 1000 && { owners: ['daemon', gid === 0 ? 'root' : ''] as const }),
    pax: [
      // below zero readers do not agree on how to round what is less than a nanosecond
      ...(fraction === '' ? [] : [['mtime', `${mtime}${mtime < 0 ? fraction.slice(0, 10) : fraction}`] as const]),
      ...(paxOwner === 0 ? [] : [['uid', String(paxOwner)] as const, ['gid', ''] as const]),
      ...xattrs,
    ],
  }));

/** Without what a plain tar would hold anyhow. */
export function onlyUnusual({ mode, uid, gid, mtime, pax, owners }: Metadata): Partial<Metadata> {
  return {
    ...(mode !== 0o644 && { mode }),
    ...(uid !== 0 && { uid }),
    ...(gid !== 0 && { gid }),
    ...(mtime !== 0 && { mtime }),
    ...(pax.length > 0 && { pax }),
    ...(owners && { owners }),
  };
}
