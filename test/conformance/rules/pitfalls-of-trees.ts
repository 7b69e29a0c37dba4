import { dir, file, hardLink, type Section, symlink, xattr } from '../case.js';

const perl = { mode: 0o755 };

/** What users of tools that flatten images have tripped over: the tree. */
export const PITFALLS_OF_TREES: Section = {
  title: 'Pitfalls: the tree',
  rules: [
    {
      row: 'P1',
      says: 'The contents of a hard link outlive the name they came with, removed or overwritten by a newer layer.',
      engines: 'A link to an older layer is refused by overlay engines: see 8.2.',
      choice: 'see 8.2.',
      source: 'ggcr#977, ggcr#2002, docker-squash#80, docker-squash#94',
      cases: [
        {
          name: 'perl is removed, perl5.36.0 stays',
          layers: [
            [file('usr/bin/perl', 'elf', perl), hardLink('usr/bin/perl5.36.0', 'usr/bin/perl', perl)],
            [file('usr/bin/.wh.perl')],
          ],
          tree: ['usr/', 'usr/bin/', 'usr/bin/perl5.36.0=elf 0755'],
        },
        {
          name: 'perl is overwritten',
          source: 'ggcr#2002',
          layers: [
            [file('usr/bin/perl', 'elf', perl), hardLink('usr/bin/perl5.36.0', 'usr/bin/perl', perl)],
            [file('usr/bin/perl', 'new', perl)],
          ],
          tree: ['usr/', 'usr/bin/', 'usr/bin/perl=new 0755', 'usr/bin/perl5.36.0=elf 0755'],
        },
        {
          name: 'twice, across layers',
          layers: [
            [file('usr/bin/perl', 'elf', perl), hardLink('usr/bin/perl5', 'usr/bin/perl', perl)],
            [file('usr/bin/.wh.perl')],
            [hardLink('p', 'usr/bin/perl5', perl), file('usr/bin/.wh.x')],
            [file('usr/.wh.bin')],
          ],
          tree: ['p=elf 0755', 'usr/'],
          warnings: ['DIMGX_ENTRY_LINK_ACROSS_LAYERS'],
        },
      ],
    },
    {
      row: 'P2',
      says: 'A whiteout hides older layers only, wherever it stands; of duplicates the last wins.',
      engines: 'Docker overlay2 and Podman lose the whiteout (4.5), and Docker and Podman refuse duplicates (7).',
      choice: 'see 4.5 and 7.',
      source: 'containerd#6991, moby#17819, image-spec#196',
      cases: [
        {
          name: '.wh.d before d/ keeps d/',
          layers: [[file('d/old')], [file('.wh.d'), dir('d'), file('d/new', '1')]],
          tree: ['d/', 'd/new=1'],
        },
        { name: 'in the first layer', layers: [[file('.wh.d'), dir('d'), file('d/f')]], tree: ['d/', 'd/f='] },
        {
          name: 'duplicates',
          layers: [[file('a', '1'), file('a', '2')]],
          tree: ['a=2'],
          warnings: ['DIMGX_ENTRY_DUPLICATE'],
        },
      ],
    },
    {
      row: 'P3',
      says: 'An opaque directory hides whole older subtrees, not entries of its own layer.',
      source: 'ggcr#1897, ggcr#2029, undock#254',
      cases: [
        {
          name: 'a subtree',
          layers: [
            [file('d/a/b/c'), file('d/x')],
            [dir('d'), file('d/.wh..wh..opq'), dir('d/a'), file('d/a/new', '1')],
          ],
          tree: ['d/', 'd/a/', 'd/a/new=1'],
        },
      ],
    },
    {
      row: 'P4',
      says: 'Odd markers do no harm.',
      engines: 'A bare `.wh.`: see 4.8.',
      choice: 'ignores it, with a warning.',
      source: 'image-spec#1301, stereoscope#647, stereoscope#696, ggcr#1623',
      cases: [
        {
          name: 'a bare .wh. does not remove its directory',
          source: 'image-spec#1301, stereoscope#647',
          layers: [[file('d/f')], [file('d/.wh.')]],
          tree: ['d/', 'd/f='],
          warnings: ['DIMGX_ENTRY_BAD_WHITEOUT'],
        },
        {
          name: '.wh..wh..opqX is no opaque marker',
          source: 'stereoscope#696',
          layers: [[file('d/f')], [file('d/.wh..wh..opqX')]],
          tree: ['d/', 'd/f='],
        },
        {
          name: 'of AUFS',
          layers: [[file('.wh..wh.aufs'), dir('.wh..wh.plnk'), file('a')]],
          tree: ['a='],
          warnings: ['DIMGX_ENTRY_AUFS'],
        },
        {
          name: 'in the lowest layer they do not get out',
          source: 'ggcr#1623',
          layers: [[dir('d'), file('d/.wh..wh..opq'), file('d/.wh.x'), file('.wh.y'), file('d/f')]],
          tree: ['d/', 'd/f='],
        },
        {
          name: 'at the root, with ./ and without',
          layers: [
            [file('a'), file('b'), file('c')],
            [file('.wh.a'), file('./.wh.b')],
          ],
          tree: ['c='],
        },
      ],
    },
    {
      row: 'P5',
      says: 'Links that are legitimate are neither dropped nor rewritten.',
      source: 'ggcr#2238, ggcr#2268, ggcr#2399',
      cases: [
        {
          name: 'symlinks: absolute, with many .., dangling, with ./',
          layers: [[symlink('a', '/etc/x'), symlink('b', '../../../x'), symlink('c', 'gone'), symlink('d', './c//')]],
          tree: ['a->/etc/x', 'b->../../../x', 'c->gone', 'd->./c//'],
        },
        {
          name: 'hard links: to ./a and /a',
          layers: [[file('./a', '1'), hardLink('./b', './a'), hardLink('c', '/a')]],
          tree: ['a=1', 'b==a', 'c==a'],
        },
      ],
    },
    {
      row: 'P6',
      says: 'What changes its type is replaced; a directory takes the newer mode and owner, its children stay.',
      source: 'docker-squash#120, docker-squash#253, kaniko#2308',
      cases: [
        { name: 'a directory becomes a symlink', layers: [[file('d/f')], [symlink('d', 'x')]], tree: ['d->x'] },
        { name: 'a symlink becomes a file', layers: [[symlink('a', 'x')], [file('a', '1')]], tree: ['a=1'] },
        { name: 'a file becomes a directory', layers: [[file('a')], [dir('a'), file('a/f')]], tree: ['a/', 'a/f='] },
        {
          name: 'a directory of a newer owner',
          layers: [[dir('d'), file('d/f')], [dir('d', { mode: 0o750, uid: 7, gid: 8 })]],
          tree: ['d/ 0750 7:8', 'd/f='],
        },
      ],
    },
    {
      row: 'P7',
      says: 'Below a symlinked parent the tree is that of an overlay mount.',
      engines: 'See 2.3 and 2.4.',
      choice: 'see 2.3 and 2.4.',
      source: 'nixpkgs#107021, stereoscope#694',
      cases: [
        {
          name: '/lib of a merged /usr, in the layer that makes it',
          layers: [
            [dir('usr/lib'), symlink('lib', 'usr/lib')],
            [dir('usr/lib'), file('usr/lib/f', '1')],
          ],
          tree: ['lib->usr/lib', 'usr/', 'usr/lib/', 'usr/lib/f=1'],
        },
        {
          name: '/lib of a merged /usr, below the symlink',
          layers: [[dir('usr/lib'), symlink('lib', 'usr/lib')], [file('lib/f', '1')]],
          tree: ['lib/', 'lib/f=1', 'usr/', 'usr/lib/'],
          warnings: ['DIMGX_ENTRY_SYMLINK_REPLACED'],
        },
      ],
    },
    {
      row: 'P8',
      says: 'In the output parents come before children and links after their targets, nothing is missing; files that nobody may read are there.',
      source: 'nix (dockerTools), apple/container#1797, umoci#222',
      cases: [
        {
          name: 'children before their directory',
          layers: [[file('d/e/f', '1'), dir('d/e', { mode: 0o700 }), dir('d', { mtime: 5 })]],
          tree: ['d/ 5.000000000', 'd/e/ 0700', 'd/e/f=1'],
        },
        {
          name: 'of mode 000',
          source: 'umoci#222',
          layers: [[dir('d', { mode: 0 }), file('d/f', '1', { mode: 0 })]],
          tree: ['d/ 0000', 'd/f=1 0000'],
        },
      ],
    },
    {
      row: 'P9',
      says: 'Names: long, not UTF-8, with backslashes and newlines, with a leading slash, in PAX over another in the header.',
      source: 'docker-squash#76, ggcr#2329, bootc#2073',
      cases: [
        {
          name: 'each of them',
          layers: [
            [
              file('n'.repeat(101), '1'),
              file('\xe4\xf6', '2'),
              file('C:\\x', '3'),
              file('new\nline', '4'),
              file('/slash', '5'),
              file('header', '6', { pax: [['path', 'pax']] }),
            ],
          ],
          tree: ['C:\\x=3', 'new\nline=4', `${'n'.repeat(101)}=1`, 'pax=6', 'slash=5', '\xe4\xf6=2'],
        },
      ],
    },
    {
      row: 'P10',
      says: 'Capabilities and other attributes, large owners, and times with fractions and far away are kept.',
      source: 'imagefactory#448, moby#3589',
      cases: [
        {
          name: 'a capability, a large owner, nanoseconds',
          layers: [
            [
              file('ping', '1', {
                mode: 0o755,
                uid: 3_000_000_000,
                pax: [
                  ['mtime', '1700000000.123456789'],
                  xattr('security.capability', '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0'),
                ],
              }),
            ],
          ],
          tree: [
            'ping=1 0755 3000000000:0 1700000000.123456789 security.capability=0x0100000200200000000000000000000000000000',
          ],
        },
        {
          name: 'a time of 2242',
          layers: [[file('a', '', { mtime: 2 ** 33 })]],
          tree: ['a= 8589934592.000000000'],
        },
      ],
    },
  ],
};
