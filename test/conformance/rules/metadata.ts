import { rawEntry } from '../../helpers/raw-tar.js';
import { dir, file, type Section, symlink, xattr } from '../case.js';
import { ARCHIVE_GO, GNU_TAR, GO_TAR, POSIX_PAX, POSIX_USTAR } from '../sources.js';

/** cap_net_raw=ep, as setcap writes it. Source: Linux, capability.h, vfs_cap_data. */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('latin1');

/** user::rw-, user:7:rw-, group::r--, mask::rw-, other::r--. Source: Linux, posix_acl_xattr.h. */
const ACL = [
  '02000000',
  ...['01000600ffffffff', '0200060007000000', '04000400ffffffff', '10000600ffffffff', '20000400ffffffff'],
].join('');

export const METADATA: Section = {
  title: 'Metadata',
  rules: [
    {
      row: '10.1',
      says: 'The mode is the low 12 bits, those of a type are dropped; it is set after the owner, so that setuid survives. Symlinks are 0777.',
      source: ARCHIVE_GO,
      cases: [
        {
          name: 'bits of a type, setuid, sticky',
          layers: [
            [
              file('a', '', { mode: 0o106755, uid: 7 }),
              dir('d', { mode: 0o41777 }),
              symlink('s', 'x', { mode: 0o600 }),
              file('z', '', { mode: 0 }),
            ],
          ],
          tree: ['a= 6755 7:0', 'd/ 1777', 's->x', 'z= 0000'],
        },
      ],
    },
    {
      row: '10.2',
      says: 'Owners are numbers up to 4294967295, in octal, base-256 or PAX; a negative one counts from 2^32 down. Names of owners count for nothing.',
      source: `${POSIX_PAX}; GNU tar manual, Extensions (base-256)`,
      cases: [
        { name: 'octal', layers: [[file('a', '', { uid: 1000, gid: 100 })]], tree: ['a= 1000:100'] },
        { name: 'base-256', layers: [[file('a', '', { uid: 4_294_967_294 })]], tree: ['a= 4294967294:0'] },
        {
          name: '-2 in base-256',
          source: GNU_TAR,
          layers: [[file('b'), rawEntry({ name: 'a', patch: { 108: `${'\xff'.repeat(7)}\xfe` } })]],
          tree: ['a= 4294967294:0', 'b='],
        },
        {
          name: '-2 in PAX',
          source: GNU_TAR,
          layers: [[file('a', '', { pax: [['gid', '-2']] })]],
          tree: ['a= 0:4294967294'],
        },
        {
          name: 'PAX, with names beside',
          layers: [
            [
              file('a', '', {
                pax: [
                  ['uid', '70000'],
                  ['gid', '4294967294'],
                  ['uname', 'nobody'],
                  ['gname', 'nogroup'],
                ],
              }),
            ],
          ],
          tree: ['a= 70000:4294967294'],
        },
        {
          name: 'names in the header',
          source: POSIX_USTAR,
          layers: [[rawEntry({ name: 'a', patch: { 265: 'nobody', 297: 'nogroup' } })]],
          tree: ['a='],
        },
      ],
    },
    {
      row: '10.3',
      says: 'Times are kept to the nanosecond; their second is the floor.',
      engines:
        'Before 1970: Docker (but for symlinks) and containerd set 0, umoci keeps them. After 2262: Docker and containerd set 0, umoci overflows, and so does Docker for symlinks.',
      choice: 'passes the time on as it stands; directories that no layer describes get 0.',
      source: POSIX_PAX,
      cases: [
        {
          name: 'nanoseconds',
          layers: [[file('a', '', { pax: [['mtime', '1500000000.999999999']] })]],
          tree: ['a= 1500000000.999999999'],
        },
        {
          name: 'of a symlink',
          layers: [[symlink('a', 'x', { pax: [['mtime', '1500000000.5']] })]],
          tree: ['a->x 1500000000.500000000'],
        },
        { name: 'of a directory', layers: [[dir('d', { mtime: 1_500_000_000 })]], tree: ['d/ 1500000000.000000000'] },
        {
          name: 'before 1970',
          layers: [[file('a', '', { mtime: -5 }), file('b', '', { pax: [['mtime', '-1.5']] })]],
          tree: ['a= -5.000000000', 'b= -2.500000000'],
        },
        {
          name: 'before 1970, of a symlink',
          layers: [[symlink('a', 'x', { mtime: -5 })]],
          tree: ['a->x -5.000000000'],
        },
        { name: 'after 2262', layers: [[file('a', '', { mtime: 2 ** 40 })]], tree: ['a= 1099511627776.000000000'] },
        {
          name: 'after 2262, of a symlink',
          layers: [[symlink('a', 'x', { mtime: 2 ** 40 })]],
          tree: ['a->x 1099511627776.000000000'],
        },
      ],
    },
    {
      row: '10.4',
      says: 'Xattrs are PAX records `SCHILY.xattr.NAME`, their values raw bytes; the key ends at the first `=`.',
      source: ARCHIVE_GO,
      cases: [
        {
          name: 'NUL, newline and = in a value',
          layers: [[file('a', '', { pax: [xattr('user.a', 'x\0\n=\xff')] })]],
          tree: ['a= user.a=0x78000a3dff'],
        },
        {
          name: 'capabilities',
          layers: [[file('a', '', { pax: [xattr('security.capability', CAPABILITY)] })]],
          tree: ['a= security.capability=0x0100000200200000000000000000000000000000'],
        },
        {
          name: 'ACLs as attributes',
          layers: [
            [
              file('a', '', {
                mode: 0o664,
                pax: [xattr('system.posix_acl_access', Buffer.from(ACL, 'hex').toString('latin1'))],
              }),
            ],
          ],
          tree: [`a= 0664 system.posix_acl_access=0x${ACL}`],
        },
        {
          name: 'trusted ones, of a symlink too',
          layers: [
            [symlink('a', 'x', { pax: [xattr('trusted.a', '1')] }), file('b', '', { pax: [xattr('trusted.b', '2')] })],
          ],
          tree: ['a->x trusted.a=0x31', 'b= trusted.b=0x32'],
        },
        {
          name: 'what is replaced loses them',
          layers: [[file('a', '', { pax: [xattr('user.a', '1')] })], [file('a')]],
          tree: ['a='],
        },
      ],
    },
    {
      row: '10.5',
      says: '`SCHILY.acl.*` in words and `LIBARCHIVE.*` count for nothing.',
      source: GO_TAR,
      cases: [
        {
          name: 'both',
          layers: [
            [
              file('a', '', {
                pax: [
                  ['SCHILY.acl.access', 'user::rwx'],
                  ['LIBARCHIVE.xattr.user.x', 'eA=='],
                ],
              }),
            ],
          ],
          tree: ['a='],
          warnings: ['DIMGX_ENTRY_PAX_RECORD'],
        },
      ],
    },
    {
      row: '10.6',
      says: '`trusted.overlay.*` must not get out: it is a command to overlayfs.',
      engines: 'Docker obeys it, umoci drops it.',
      choice: 'drops it.',
      source: 'umoci 0.4.7, oci/layer/tar_extract.go',
      cases: [
        {
          name: 'opaque by attribute',
          layers: [
            [file('d/a')],
            [dir('d', { pax: [xattr('trusted.overlay.opaque', 'y'), xattr('user.a', '1')] }), file('d/b')],
          ],
          tree: ['d/ user.a=0x31', 'd/a=', 'd/b='],
          warnings: ['DIMGX_ENTRY_PAX_RECORD'],
        },
      ],
    },
    {
      row: '10.7',
      says: 'Xattrs that only other systems or file systems have are left out: Linux cannot set them, and extractors fail on them.',
      source: `Linux, xattr(7); ${ARCHIVE_GO}`,
      cases: [
        {
          name: 'of macOS, NFS, btrfs, Lustre and Ceph',
          layers: [
            [
              file('a', '1', { pax: [xattr('com.apple.quarantine', 'x'), xattr('user.a', '1')] }),
              file('b', '2', { pax: [xattr('system.nfs4_acl', 'x')] }),
              file('c', '3', { pax: [xattr('btrfs.compression', 'zstd'), xattr('lustre.lov', 'x')] }),
              file('d', '4', { pax: [xattr('ceph.dir.layout', 'x')] }),
            ],
          ],
          tree: ['a=1 user.a=0x31', 'b=2', 'c=3', 'd=4'],
          warnings: ['DIMGX_ENTRY_PAX_RECORD'],
        },
      ],
    },
  ],
};
