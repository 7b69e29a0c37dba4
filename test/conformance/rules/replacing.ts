import { dir, file, hardLink, type Section, symlink, xattr } from '../case.js';
import { CHANGESETS_MD, OVERLAYFS } from '../sources.js';

export const REPLACING: Section = {
  title: 'Replacing',
  rules: [
    {
      row: '3.1',
      says: 'A directory on a directory: mode, owner, time and xattrs are those of the newer entry, the children stay.',
      engines: "containerd's native snapshotter keeps the older xattrs, all others drop them.",
      choice: 'drops them.',
      source: OVERLAYFS,
      cases: [
        {
          name: 'all metadata are the newer ones',
          layers: [
            [dir('d', { uid: 1, pax: [xattr('user.a', '1')] }), file('d/f')],
            [dir('d', { mode: 0o700, mtime: 9, pax: [xattr('user.b', '2')] })],
          ],
          tree: ['d/ 0700 9.000000000 user.b=0x32', 'd/f='],
        },
      ],
    },
    {
      row: '3.2',
      says: 'Anything else takes the place of what is there, with all that is below it.',
      source: CHANGESETS_MD,
      cases: [
        { name: 'a file for a directory', layers: [[file('d/e/f')], [file('d', '1')]], tree: ['d=1'] },
        {
          name: 'a symlink for a directory, which is not followed',
          layers: [[file('d/f'), file('t/f')], [symlink('d', 't')]],
          tree: ['d->t', 't/', 't/f='],
        },
        {
          name: 'a directory for a symlink, whose target stays',
          layers: [[file('t/f'), symlink('d', 't')], [dir('d')]],
          tree: ['d/', 't/', 't/f='],
        },
        { name: 'a fifo for a file', layers: [[file('a', '1')], [{ name: 'a', type: '6' }]], tree: ['a|'] },
      ],
    },
    {
      row: '3.3',
      says: 'A directory that was replaced does not bring its children back when it is made again.',
      source: OVERLAYFS,
      cases: [
        { name: 'by a file', layers: [[file('d/f')], [file('d')], [dir('d'), file('d/g')]], tree: ['d/', 'd/g='] },
        { name: 'by a symlink', layers: [[file('d/f')], [symlink('d', 'x')], [dir('d')]], tree: ['d/'] },
      ],
    },
    {
      row: '3.4',
      says: 'A file over a symlink replaces the symlink; the target is not written.',
      source: CHANGESETS_MD,
      cases: [
        {
          name: 'of an older layer',
          layers: [[file('a', '1'), symlink('s', 'a')], [file('s', '2')]],
          tree: ['a=1', 's=2'],
        },
      ],
    },
    {
      row: '3.5',
      says: 'A file that is replaced does not change its other hard links: the newer one is another inode.',
      source: CHANGESETS_MD,
      cases: [
        {
          name: 'the other name keeps the contents',
          layers: [[file('a', '1'), hardLink('b', 'a')], [file('a', '2')]],
          tree: ['a=2', 'b=1'],
        },
      ],
    },
  ],
};
