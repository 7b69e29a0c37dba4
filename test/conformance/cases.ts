import { type Case, dir, file, hardLink, symlink } from './case.js';

const LONG = 'n'.repeat(255);
const DEEP = Array.from({ length: 30 }, () => 'd'.repeat(120)).join('/');

/**
 * The rules of the merge, a case and more for each: names (1), parents (2), replacing (3), whiteouts (4), opaque markers
 * (5), leftovers of AUFS (6), duplicates (7), hard links (8), types (9), metadata (10). Their sources are the OCI
 * image-spec's layer.md and, where it is silent or engines differ, what an overlay mount of the layers shows. Other tests
 * cite the rows by these numbers.
 */
export const CASES: readonly Case[] = [
  {
    row: '1.1 names are cleaned as text',
    layers: [[file('./a/./b//c/../f', '1')]],
    tree: ['a/', 'a/b/', 'a/b/f=1'],
  },
  { row: '1.2 a leading slash is dropped', layers: [[file('/a', '1')], [file('./a', '2')]], tree: ['a=2'] },
  { row: '1.3 a name that leaves the root is refused', layers: [[file('../a')]], tree: 'DIMGX_INSPECT_UNSAFE_NAME' },
  {
    row: '1.4 the newest entry of the root wins',
    layers: [[dir('.', { mode: 0o700 })], [dir('/', { uid: 7 }), file('a')]],
    tree: ['./ 7:0', 'a='],
  },
  { row: '1.4 a root that is no directory is refused', layers: [[symlink('./', 'x')]], tree: 'DIMGX_MERGE_BAD_ROOT' },
  {
    row: '1.5 an old-style name with a slash is a directory',
    layers: [[{ ...file('d/'), type: '\0', mode: 0o755 }, file('f/', '1')]],
    tree: ['d/', 'f=1'],
  },
  {
    row: '1.6 names that only look like markers are ordinary',
    layers: [['...', '..a', 'a..', '.wh', '.whx', 'a.wh.b', '.WH.x'].map((name) => file(name))],
    tree: ['...=', '..a=', '.WH.x=', '.wh=', '.whx=', 'a..=', 'a.wh.b='],
  },
  {
    row: '1.7 names are bytes, in headers, PAX and GNU form',
    layers: [
      [
        ...['\xff\xfe', 'E\xcc\x81', '\xc3\x89', 'x\ny', 'b\\c'].map((name) => file(name)),
        file('wrong', '', { pax: [['path', 'p\xff']] }),
        file('wrong', '', { longName: 'g\xff' }),
        { ...symlink('s', ''), pax: [['linkpath', 't\xff']] },
      ],
    ],
    tree: ['E\xcc\x81=', 'b\\c=', 'g\xff=', 'p\xff=', 's->t\xff', 'x\ny=', '\xc3\x89=', '\xff\xfe='],
  },
  {
    row: '1.8 long names are passed on',
    layers: [[file(LONG, '1'), dir(DEEP)]],
    tree: [...DEEP.split('/').map((_, i, parts) => `${parts.slice(0, i + 1).join('/')}/`), `${LONG}=1`],
  },
  {
    row: '1.8 paths over 4,095 bytes are refused',
    layers: [[file(`${DEEP}/${'e/'.repeat(300)}f`)]],
    tree: 'DIMGX_INSPECT_UNSAFE_NAME',
  },
  {
    row: '1.8 as are those that symlinks lead to',
    layers: [[dir(DEEP), symlink('s', DEEP), file(`s/${'e'.repeat(250)}/${'f'.repeat(250)}/${'g'.repeat(250)}`)]],
    tree: 'DIMGX_INSPECT_UNSAFE_NAME',
  },
  { row: '2.1 missing parents are 0755, of root, of 1970', layers: [[file('a/b/f')]], tree: ['a/', 'a/b/', 'a/b/f='] },
  {
    row: '2.2 a parent without an entry keeps its metadata',
    layers: [[dir('tmp', { mode: 0o1777, mtime: 5 })], [file('tmp/f')]],
    tree: ['tmp/ 1777 5.000000000', 'tmp/f='],
  },
  {
    row: '2.3 a symlink of the same layer is followed',
    layers: [
      [dir('usr/lib'), symlink('lib', '/../usr/lib'), file('lib/f', '1'), symlink('usr/up', '..'), file('usr/up/g')],
    ],
    tree: ['g=', 'lib->/../usr/lib', 'usr/', 'usr/lib/', 'usr/lib/f=1', 'usr/up->..'],
  },
  {
    row: '2.4 a symlink of an older layer gives way to a directory',
    layers: [[dir('usr/lib'), symlink('lib', 'usr/lib')], [file('lib/f', '1')]],
    tree: ['lib/', 'lib/f=1', 'usr/', 'usr/lib/'],
    warnings: ['DIMGX_MERGE_SYMLINK_REPLACED'],
  },
  {
    row: '2.4 an entry of its own replaces it, and leaves its target alone',
    layers: [
      [file('usr/lib/a'), symlink('lib', 'usr/lib')],
      [dir('lib'), file('lib/f', '1')],
    ],
    tree: ['lib/', 'lib/f=1', 'usr/', 'usr/lib/', 'usr/lib/a='],
  },
  {
    row: '2.5 a dangling symlink as parent is refused',
    layers: [[symlink('a', 'nowhere'), file('a/f')]],
    tree: 'DIMGX_MERGE_BAD_PARENT',
  },
  {
    row: '2.5 a loop of symlinks as parent is refused',
    layers: [[symlink('a', 'b'), symlink('b', 'a'), file('a/f')]],
    tree: 'DIMGX_MERGE_BAD_PARENT',
  },
  {
    row: '2.6 a file of the same layer as parent is refused',
    layers: [[file('a'), file('a/f')]],
    tree: 'DIMGX_MERGE_BAD_PARENT',
  },
  {
    row: '2.6 a file of an older layer gives way to a directory',
    layers: [[file('a', '1')], [file('a/f', '2')]],
    tree: ['a/', 'a/f=2'],
    warnings: ['DIMGX_MERGE_FILE_REPLACED'],
  },
  {
    row: '2.7 symlinks that leave the root are kept, and followed inside it',
    layers: [[symlink('s', '../../../d'), dir('d'), file('s/f'), symlink('t', '/../../etc/passwd')]],
    tree: ['d/', 'd/f=', 's->../../../d', 't->/../../etc/passwd'],
  },
  {
    row: '3 a directory on a directory takes all metadata, and keeps the children',
    layers: [
      [dir('d', { uid: 1, pax: [['SCHILY.xattr.user.a', '1']] }), file('d/f')],
      [dir('d', { mode: 0o700, mtime: 9, pax: [['SCHILY.xattr.user.b', '2']] })],
    ],
    tree: ['d/ 0700 9.000000000 user.b=0x32', 'd/f='],
  },
  {
    row: '3 anything else is replaced, with all below it',
    layers: [[file('d/e/f')], [file('d', '1')]],
    tree: ['d=1'],
  },
  {
    row: '3 a directory that comes back is empty',
    layers: [[file('d/f')], [file('d')], [dir('d'), file('d/g')]],
    tree: ['d/', 'd/g='],
  },
  {
    row: '3 a file over a symlink leaves the target alone',
    layers: [[file('a', '1'), symlink('s', 'a')], [file('s', '2')]],
    tree: ['a=1', 's=2'],
  },
  {
    row: '3 a file that is replaced does not change its other names',
    layers: [[file('a', '1'), hardLink('b', 'a')], [file('a', '2')]],
    tree: ['a=2', 'b=1'],
  },
  {
    row: '4.1 a whiteout removes a tree, a symlink and not its target, one name of several',
    layers: [
      [file('d/e/f'), symlink('s', 't'), file('t/f'), file('a', '1'), hardLink('b', 'a'), hardLink('c', 'a')],
      [file('.wh.d'), file('.wh.s'), file('.wh.a')],
    ],
    tree: ['b=1', 'c==b', 't/', 't/f='],
  },
  {
    row: '4.2 whatever a whiteout is, only its name counts',
    layers: [
      [file('a'), file('b'), file('c'), file('d')],
      [file('.wh.a', 'x'), dir('.wh.b'), symlink('.wh.c', 'x'), { ...file('.wh.d'), type: '6', mode: 0 }],
    ],
    tree: [],
  },
  {
    row: '4.2 not even of a device 0:0',
    layers: [
      [file('a'), file('d/b')],
      [
        { name: '.wh.a', type: '3' },
        { name: 'd/.wh..wh..opq', type: '3' },
      ],
    ],
    tree: ['d/'],
  },
  {
    row: '4.3 what is not there is not missed, nor made',
    layers: [[file('a')], [file('.wh.x'), file('no/where/.wh.y')]],
    tree: ['a='],
  },
  {
    row: '4.4 a whiteout before the new file',
    layers: [[file('f', '1')], [file('.wh.f'), file('f', '2')]],
    tree: ['f=2'],
  },
  {
    row: '4.4 a whiteout behind the new file',
    layers: [[file('f', '1')], [file('f', '2'), file('.wh.f')]],
    tree: ['f=2'],
  },
  {
    row: '4.5 a directory that is removed and made anew, in this order',
    layers: [[file('d/old')], [file('.wh.d'), dir('d'), file('d/new')]],
    tree: ['d/', 'd/new='],
  },
  {
    row: '4.5 a directory that is removed and made anew, in the other order',
    layers: [[file('d/old')], [dir('d'), file('d/new'), file('.wh.d')]],
    tree: ['d/', 'd/new='],
  },
  {
    row: '4.6 a whiteout acts on one boundary',
    layers: [[file('f', '1')], [file('.wh.f')], [file('f', '3')]],
    tree: ['f=3'],
  },
  {
    row: '4.7 in the first layer it does nothing, and does not show',
    layers: [[file('.wh.f'), file('a')]],
    tree: ['a='],
  },
  {
    row: '4.8 whiteouts that name nothing are ignored',
    layers: [[file('d/f')], [file('d/.wh.'), file('d/.wh..'), file('d/.wh...')]],
    tree: ['d/', 'd/f='],
    warnings: ['DIMGX_MERGE_BAD_WHITEOUT'],
  },
  {
    row: '4.9 names that begin with a dot, and with the prefix itself',
    layers: [
      [file('.hidden'), file('d/f')],
      [file('.wh..hidden'), file('d/.wh..wh.x')],
    ],
    tree: ['d/', 'd/f='],
  },
  {
    row: '4.10 below a symlink of an older layer',
    layers: [[file('t/f'), symlink('s', 't')], [file('s/.wh.f')]],
    tree: ['s/', 't/', 't/f='],
    warnings: ['DIMGX_MERGE_SYMLINK_REPLACED'],
  },
  {
    row: '4.10 below a symlink of the same layer',
    layers: [
      [file('t/f'), file('t/g')],
      [dir('t'), symlink('s', 't'), file('s/.wh.f')],
    ],
    tree: ['s->t', 't/', 't/g='],
  },
  {
    row: '4.10 below a symlink that the same layer replaces afterwards, and one that it has replaced',
    layers: [
      [file('t/f'), file('u/f'), file('v/f')],
      [symlink('s', 't'), file('s/.wh.f'), symlink('s', 'u'), symlink('v', 'u'), dir('v'), file('v/.wh.f')],
    ],
    tree: ['s->u', 't/', 'u/', 'u/f=', 'v/'],
    warnings: ['DIMGX_MERGE_DUPLICATE'],
  },
  {
    row: '5.1 an opaque marker hides older children, wherever it stands',
    layers: [
      [file('d/a'), file('d/b/c')],
      [file('d/b/new'), file('d/.wh..wh..opq'), file('d/x')],
    ],
    tree: ['d/', 'd/b/', 'd/b/new=', 'd/x='],
  },
  {
    row: '5.2 its directory keeps its metadata',
    layers: [[dir('d', { mode: 0o700 }), file('d/a')], [file('d/.wh..wh..opq')]],
    tree: ['d/ 0700'],
  },
  {
    row: '5.3 of a subdirectory alone, and added to later',
    layers: [[file('d/a'), file('d/e/b')], [file('d/e/.wh..wh..opq')], [file('d/e/c')]],
    tree: ['d/', 'd/a=', 'd/e/', 'd/e/c='],
  },
  {
    row: '5.3 where there is no directory it does nothing',
    layers: [[file('a')], [file('d/.wh..wh..opq')]],
    tree: ['a='],
  },
  {
    row: '5.3 in place of a symlink, whose target keeps its files',
    layers: [
      [file('t/f'), symlink('s', 't')],
      [file('s/.wh..wh..opq'), file('s/x')],
    ],
    tree: ['s/', 's/x=', 't/', 't/f='],
    warnings: ['DIMGX_MERGE_SYMLINK_REPLACED'],
  },
  {
    row: '5.4 at the root',
    layers: [
      [file('a'), file('d/b')],
      [file('c'), file('./.wh..wh..opq')],
    ],
    tree: ['c='],
  },
  {
    row: '5.5 other names of what it hides stay',
    layers: [[file('d/a', '1'), hardLink('b', 'd/a')], [file('d/.wh..wh..opq')]],
    tree: ['b=1', 'd/'],
  },
  {
    row: '6 leftovers of AUFS vanish, links to them keep their contents',
    layers: [
      [file('.wh..wh.aufs'), dir('.wh..wh.plnk'), dir('.wh..wh.orph'), file('.wh..wh.plnk/1.2', '1')],
      [file('.wh..wh.plnk/3.4', '2'), hardLink('a', '.wh..wh.plnk/3.4'), hardLink('b', '.wh..wh.plnk/3.4')],
    ],
    tree: ['a=2', 'b==a'],
    warnings: ['DIMGX_MERGE_AUFS'],
  },
  {
    row: '7 of duplicates the last wins',
    layers: [[file('a', '1'), file('./a', '2'), symlink('b', 'x'), dir('b')]],
    tree: ['a=2', 'b/'],
    warnings: ['DIMGX_MERGE_DUPLICATE'],
  },
  {
    row: '7 a directory that a duplicate replaced comes back empty',
    layers: [[file('d/old')], [file('d'), dir('d')]],
    tree: ['d/'],
    warnings: ['DIMGX_MERGE_DUPLICATE'],
  },
  {
    row: '8.1 targets are from the root, cleaned and clamped',
    layers: [[file('d/a', '1'), hardLink('d/b', '/d/a'), hardLink('c', '../../d/./x/..//a')]],
    tree: ['c=1', 'd/', 'd/a==c', 'd/b==c'],
  },
  {
    row: '8.1 through symlinked directories, and to a symlink itself',
    layers: [[file('d/a', '1'), symlink('s', 'd'), hardLink('b', 's/a'), hardLink('t', 's')]],
    tree: ['b=1', 'd/', 'd/a==b', 's->d', 't==s'],
  },
  {
    row: '8.2 a target in an older layer is linked',
    layers: [[file('a', '1')], [hardLink('b', 'a')]],
    tree: ['a=1', 'b==a'],
    warnings: ['DIMGX_MERGE_LINK_ACROSS_LAYERS'],
  },
  { row: '8.3 a missing target is refused', layers: [[hardLink('b', 'a')]], tree: 'DIMGX_MERGE_BAD_LINK' },
  { row: '8.3 a later target is refused', layers: [[hardLink('b', 'a'), file('a')]], tree: 'DIMGX_MERGE_BAD_LINK' },
  { row: '8.3 a link to itself is refused', layers: [[file('a'), hardLink('a', 'a')]], tree: 'DIMGX_MERGE_BAD_LINK' },
  {
    row: '8.3 a link to a directory is refused',
    layers: [[dir('a'), hardLink('b', 'a')]],
    tree: 'DIMGX_MERGE_BAD_LINK',
  },
  {
    row: '8.3 a target behind a dangling symlink is refused',
    layers: [[symlink('s', 'nowhere'), hardLink('b', 's/a')]],
    tree: 'DIMGX_MERGE_BAD_LINK',
  },
  {
    row: '8.3 a removed target is never resurrected',
    layers: [[file('a')], [file('.wh.a')], [hardLink('b', 'a')]],
    tree: 'DIMGX_MERGE_BAD_LINK',
  },
  {
    row: '8.3 a link that removes its own target is refused',
    layers: [[file('d/a'), hardLink('d', 'd/a')]],
    tree: 'DIMGX_MERGE_BAD_LINK',
  },
  {
    row: '8.4 the other names stay linked when one is replaced',
    layers: [[file('a', '1'), hardLink('b', 'a'), hardLink('c', 'b')], [file('a', '2')], [file('.wh.b')]],
    tree: ['a=2', 'c=1'],
  },
  {
    row: '8.5 the last header of an inode counts',
    layers: [[file('a', '1', { mode: 0o600 }), hardLink('b', 'a', { mode: 0o4755, uid: 7, mtime: 9 })]],
    tree: ['a=1 4755 7:0 9.000000000', 'b==a 4755 7:0 9.000000000'],
  },
  {
    row: '8.5 of a symlink too',
    layers: [[symlink('a', 'x', { uid: 3, mtime: 4 }), hardLink('b', 'a', { uid: 7, mtime: 9 })]],
    tree: ['a->x 7:0 9.000000000', 'b==a 7:0 9.000000000'],
  },
  {
    row: '8.6 a size without contents is ignored',
    layers: [
      [file('a', '1'), hardLink('b', 'a', { size: 512 }), dir('d', { size: 99 }), symlink('s', 'a', { size: 5 })],
    ],
    tree: ['a=1', 'b==a', 'd/', 's->a'],
  },
  {
    row: '8.7 fifos, devices and symlinks can be linked',
    layers: [
      [
        { name: 'p', type: '6' },
        hardLink('p2', 'p'),
        { name: 'c', type: '3', device: [1, 3] },
        hardLink('c2', 'c'),
        { name: 'b', type: '4', device: [259, 70_000] },
      ],
    ],
    tree: ['b 259:70000', 'c 1:3', 'c2==c', 'p|', 'p2==p'],
  },
  { row: '9 a contiguous file is a file', layers: [[{ ...file('a', '1'), type: '7' }]], tree: ['a=1'] },
  { row: '9 unknown types are refused', layers: [[{ ...file('a'), type: 'Z' }]], tree: 'DIMGX_TAR_UNKNOWN_TYPE' },
  {
    row: '9 a device 0:0 is a whiteout',
    layers: [[file('a'), file('b')], [{ name: 'a', type: '3' }]],
    tree: ['b='],
    warnings: ['DIMGX_MERGE_DEVICE_WHITEOUT'],
  },
  {
    row: '10 modes are the low 12 bits',
    layers: [[file('a', '', { mode: 0o106755 }), dir('d', { mode: 0o41777 })]],
    tree: ['a= 6755', 'd/ 1777'],
  },
  {
    row: '10 owners are numbers, however they are written',
    layers: [
      [
        file('a', '', { uid: 4_294_967_294 }),
        file('b', '', {
          pax: [
            ['uid', '70000'],
            ['uname', 'who'],
          ],
        }),
      ],
    ],
    tree: ['a= 4294967294:0', 'b= 70000:0'],
  },
  {
    row: '10 times are kept to the nanosecond, before 1970 and far away',
    layers: [
      [
        file('a', '', { pax: [['mtime', '1500000000.999999999']] }),
        file('b', '', { mtime: -5 }),
        file('c', '', { mtime: 2 ** 40 }),
      ],
    ],
    tree: ['a= 1500000000.999999999', 'b= -5.000000000', 'c= 1099511627776.000000000'],
  },
  {
    row: '10 xattrs are raw bytes, and overlayfs is not commanded',
    layers: [
      [
        file('a', '', {
          pax: [
            ['SCHILY.xattr.security.capability', '\x01\0\n=\xff'],
            ['SCHILY.xattr.trusted.overlay.opaque', 'y'],
            ['SCHILY.acl.access', 'user::rwx'],
            ['LIBARCHIVE.xattr.user.x', 'eA=='],
          ],
        }),
      ],
    ],
    tree: ['a= security.capability=0x01000a3dff'],
    warnings: ['DIMGX_INSPECT_PAX_RECORD'],
  },
  {
    row: '10 what is replaced loses its xattrs',
    layers: [[file('a', '', { pax: [['SCHILY.xattr.user.a', '1']] })], [file('a')]],
    tree: ['a='],
  },
  {
    row: 'unsorted: children before their directory',
    layers: [[file('d/e/f', '1'), dir('d/e', { mode: 0o700 }), dir('d', { mtime: 5 })]],
    tree: ['d/ 5.000000000', 'd/e/ 0700', 'd/e/f=1'],
  },
  {
    row: 'hard links across layers: contents outlive the name they came with, twice',
    layers: [
      [file('usr/bin/perl', 'elf', { mode: 0o755 }), hardLink('usr/bin/perl5', 'usr/bin/perl', { mode: 0o755 })],
      [file('usr/bin/.wh.perl')],
      [hardLink('p', 'usr/bin/perl5', { mode: 0o755 }), file('usr/bin/.wh.x')],
      [file('usr/.wh.bin')],
    ],
    tree: ['p=elf 0755', 'usr/'],
    warnings: ['DIMGX_MERGE_LINK_ACROSS_LAYERS'],
  },
  {
    row: 'selection: older layers can win',
    layers: [[file('a', '1')], [file('a', '2'), file('.wh.b')], [file('b', '3')]],
    select: [0, 1, 2],
    tree: ['a=1'],
  },
  {
    row: 'selection: links to what was not selected are left out, and nothing is made for them',
    layers: [
      [file('usr/lib/f', '1'), symlink('lib', 'usr/lib')],
      [hardLink('g', 'lib/f'), file('h')],
    ],
    select: [1],
    tree: ['h='],
    warnings: ['DIMGX_MERGE_LINK_NOT_SELECTED'],
  },
  {
    row: 'selection: a symlink whose target may lie elsewhere does not hinder its own layer',
    layers: [[dir('usr/lib')], [symlink('lib', 'usr/lib'), file('lib/f', '1')]],
    select: [1],
    tree: ['lib->usr/lib', 'usr/', 'usr/lib/', 'usr/lib/f=1'],
  },
];
