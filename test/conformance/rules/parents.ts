import { dir, file, type Section, symlink } from '../case.js';
import { ARCHIVE_GO, DIFF_GO, OVERLAYFS } from '../sources.js';

export const PARENTS: Section = {
  title: 'Parents',
  rules: [
    {
      row: '2.1',
      says: 'Missing parents are made, 0755 and owned by root; their time is open.',
      engines: 'Docker overlay2, containerd and umoci do so; Docker 20.10 vfs makes them 0600, which was mended later.',
      choice: '0755, 0:0, of 1970.',
      source: ARCHIVE_GO,
      cases: [{ name: 'two of them', layers: [[file('a/b/f')]], tree: ['a/', 'a/b/', 'a/b/f='] }],
    },
    {
      row: '2.2',
      says: 'A parent that has no entry in this layer keeps the metadata of the older ones.',
      engines:
        'Sequential engines and containerd overlayfs keep them; Docker overlay2 and Podman reset it to 0755 root:root, so that /tmp loses its sticky bit.',
      choice: 'keeps them.',
      source: 'containerd 1.6, archive/tar.go, mkparent',
      cases: [
        {
          name: 'mode and time of /tmp',
          layers: [[dir('tmp', { mode: 0o1777, mtime: 5 })], [file('tmp/f')]],
          tree: ['tmp/ 1777 5.000000000', 'tmp/f='],
        },
        {
          name: 'owner and xattrs',
          layers: [[dir('d', { uid: 7, pax: [['SCHILY.xattr.user.a', '1']] })], [file('d/f')]],
          tree: ['d/ 7:0 user.a=0x31', 'd/f='],
        },
      ],
    },
    {
      row: '2.3',
      says: 'A parent that is a symlink of the same layer is followed, inside the root.',
      source: 'moby v20.10, pkg/chrootarchive',
      cases: [
        {
          name: 'absolute, and up',
          layers: [
            [
              dir('usr/lib'),
              symlink('lib', '/../usr/lib'),
              file('lib/f', '1'),
              symlink('usr/up', '..'),
              file('usr/up/g'),
            ],
          ],
          tree: ['g=', 'lib->/../usr/lib', 'usr/', 'usr/lib/', 'usr/lib/f=1', 'usr/up->..'],
        },
      ],
    },
    {
      row: '2.4',
      says: 'A parent that is a symlink of an older layer gives way to a directory.',
      engines:
        'Sequential engines follow it inside the root, so that `lib/f` lands in `usr/lib/f`; in an overlay the layer has a real directory, which replaces it. With an entry of its own all replace it.',
      choice: "the overlay's tree, which nearly every host shows, with a warning.",
      source: OVERLAYFS,
      cases: [
        {
          name: 'implied',
          layers: [[dir('usr/lib'), symlink('lib', 'usr/lib')], [file('lib/f', '1')]],
          tree: ['lib/', 'lib/f=1', 'usr/', 'usr/lib/'],
          warnings: ['DIMGX_ENTRY_SYMLINK_REPLACED'],
        },
        {
          name: 'with an entry of its own, and its target is left alone',
          layers: [
            [file('usr/lib/a'), symlink('lib', 'usr/lib')],
            [dir('lib'), file('lib/f', '1')],
          ],
          tree: ['lib/', 'lib/f=1', 'usr/', 'usr/lib/', 'usr/lib/a='],
        },
      ],
    },
    {
      row: '2.5',
      says: 'A symlink that leads to no directory cannot be a parent.',
      engines:
        'Docker fails on a dangling one (ENOENT), containerd and umoci make its target inside the root; all fail on a loop.',
      choice: 'refuses both.',
      source: DIFF_GO,
      cases: [
        {
          name: 'dangling',
          layers: [[symlink('a', 'nowhere'), file('a/f')]],
          refused: 'DIMGX_ENTRY_BAD_PARENT',
        },
        {
          name: 'in a loop',
          layers: [[symlink('a', 'b'), symlink('b', 'a'), file('a/f')]],
          refused: 'DIMGX_ENTRY_BAD_PARENT',
        },
      ],
    },
    {
      row: '2.6',
      says: 'A file cannot be a parent.',
      engines:
        'One of the same layer: all fail (ENOTDIR). One of an older layer: sequential engines fail, in an overlay a directory replaces it.',
      choice: 'refuses the first; replaces the second, with a warning.',
      source: OVERLAYFS,
      cases: [
        { name: 'of the same layer', layers: [[file('a'), file('a/f')]], refused: 'DIMGX_ENTRY_BAD_PARENT' },
        {
          name: 'of an older layer',
          layers: [[file('a', '1')], [file('a/f', '2')]],
          tree: ['a/', 'a/f=2'],
          warnings: ['DIMGX_ENTRY_FILE_REPLACED'],
        },
      ],
    },
    {
      row: '2.7',
      says: 'Nothing is written, linked, changed or removed through a symlink that leaves the root; the symlink itself is kept verbatim.',
      engines: 'All do so; of the root itself Docker overlay2 and Podman show what the newest layer says (1.4).',
      choice: 'does so.',
      source: 'moby v20.10, pkg/chrootarchive',
      cases: [
        {
          name: 'written below one',
          layers: [[symlink('s', '../../../d'), dir('d'), file('s/f'), symlink('t', '/../../etc/passwd')]],
          tree: ['d/', 'd/f=', 's->../../../d', 't->/../../etc/passwd'],
        },
        {
          name: 'linked through one',
          layers: [
            [
              file('etc/passwd', '1'),
              symlink('s', '../../etc'),
              { name: 'p', type: '1', link: 's/passwd', mode: 0o644 },
            ],
          ],
          tree: ['etc/', 'etc/passwd=1', 'p==etc/passwd', 's->../../etc'],
        },
        {
          name: 'removed below one',
          layers: [
            [file('f'), file('g')],
            [symlink('up', '../..'), file('up/.wh.f')],
          ],
          tree: ['g=', 'up->../..'],
        },
        {
          name: 'a mode over one',
          layers: [[dir('.', { mode: 0o711 }), symlink('s', '/')], [dir('s', { mode: 0o700 })]],
          tree: ['./ 0711', 's/ 0700'],
        },
      ],
    },
  ],
};
