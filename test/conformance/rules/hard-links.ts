import { dir, file, hardLink, type Section, symlink, xattr } from '../case.js';
import { ARCHIVE_GO, CHANGESETS_MD, GO_TAR, LAYER_MD } from '../sources.js';

const REFUSED = 'DIMGX_ENTRY_BAD_LINK';

export const HARD_LINKS: Section = {
  title: 'Hard links',
  rules: [
    {
      row: '8.1',
      says: 'The target is a path from the root of the image, cleaned, `..` stopping at the root. Directories on the way may be symlinks; the last component is not followed.',
      source: ARCHIVE_GO,
      cases: [
        {
          name: 'from the root, cleaned and clamped',
          layers: [[file('d/a', '1'), hardLink('d/b', '/d/a'), hardLink('c', '../../d/./x/..//a')]],
          tree: ['c=1', 'd/', 'd/a==c', 'd/b==c'],
        },
        {
          name: 'through symlinked directories',
          layers: [[file('d/a', '1'), symlink('s', '/d'), hardLink('b', 's/a')]],
          tree: ['b=1', 'd/', 'd/a==b', 's->/d'],
        },
        {
          name: 'to a symlink itself',
          layers: [[file('d/a', '1'), symlink('s', 'd'), hardLink('t', 's')]],
          tree: ['d/', 'd/a=1', 's->d', 't==s'],
        },
      ],
    },
    {
      row: '8.2',
      says: 'The target has to be there at that moment: earlier in the layer, or in an older one.',
      engines:
        'In an older layer: sequential engines link it, overlay engines fail (ENOENT); the specification says that they may.',
      choice: 'links it, with a warning: some builders write such layers.',
      source: LAYER_MD,
      cases: [
        {
          name: 'in an older layer',
          layers: [[file('a', '1')], [hardLink('b', 'a')]],
          tree: ['a=1', 'b==a'],
          warnings: ['DIMGX_ENTRY_LINK_ACROSS_LAYERS'],
        },
        {
          name: 'in an older layer, and replaced afterwards',
          layers: [[file('a', '1')], [hardLink('b', 'a'), file('a', '2')]],
          tree: ['a=2', 'b=1'],
          warnings: ['DIMGX_ENTRY_LINK_ACROSS_LAYERS'],
        },
      ],
    },
    {
      row: '8.3',
      says: 'A link to what is missing, comes later, is the link itself, is a directory or was removed is an error; what was removed is never revived.',
      source: ARCHIVE_GO,
      cases: [
        { name: 'missing', layers: [[hardLink('b', 'a')]], refused: REFUSED },
        { name: 'later in the layer', layers: [[hardLink('b', 'a'), file('a')]], refused: REFUSED },
        { name: 'itself', layers: [[hardLink('a', 'a')]], refused: REFUSED },
        { name: 'itself, over a file', layers: [[file('a'), hardLink('a', 'a')]], refused: REFUSED },
        { name: 'a directory', layers: [[dir('a'), hardLink('b', 'a')]], refused: REFUSED },
        {
          name: 'behind a dangling symlink',
          layers: [[symlink('s', 'nowhere'), hardLink('b', 's/a')]],
          refused: REFUSED,
        },
        {
          name: 'removed by an older layer',
          layers: [[file('a')], [file('.wh.a')], [hardLink('b', 'a')]],
          refused: REFUSED,
        },
        { name: 'removed by the link itself', layers: [[file('d/a'), hardLink('d', 'd/a')]], refused: REFUSED },
      ],
    },
    {
      row: '8.4',
      says: 'Links are one inode for good: when one name is replaced or removed the others keep the contents and stay linked. The first name that is left carries the contents.',
      source: CHANGESETS_MD,
      cases: [
        {
          name: 'one replaced, one removed',
          layers: [[file('a', '1'), hardLink('b', 'a'), hardLink('c', 'b')], [file('a', '2')], [file('.wh.b')]],
          tree: ['a=2', 'c=1'],
        },
        {
          name: 'the first removed, two stay linked',
          layers: [[file('a', '1'), hardLink('b', 'a'), hardLink('c', 'b')], [file('.wh.a')]],
          tree: ['b=1', 'c==b'],
        },
      ],
    },
    {
      row: '8.5',
      says: "A link's header applies to the inode: the last one counts.",
      engines:
        'Docker and containerd apply owner, mode and time of each header, but no time to a symlink; umoci applies none.',
      choice: 'the last header of the inode counts.',
      source: ARCHIVE_GO,
      cases: [
        {
          name: 'of a file',
          layers: [[file('a', '1', { mode: 0o600 }), hardLink('b', 'a', { mode: 0o4755, uid: 7, mtime: 9 })]],
          tree: ['a=1 4755 7:0 9.000000000', 'b==a 4755 7:0 9.000000000'],
        },
        {
          name: 'of a symlink',
          layers: [[symlink('a', 'x', { uid: 3, mtime: 4 }), hardLink('b', 'a', { uid: 7, mtime: 9 })]],
          tree: ['a->x 7:0 9.000000000', 'b==a 7:0 9.000000000'],
        },
        {
          name: 'xattrs beside those of the file, and instead of one of the same name',
          layers: [
            [
              file('a', '1', { pax: [xattr('trusted.t', '1'), xattr('trusted.u', '1')] }),
              hardLink('b', 'a', { pax: [xattr('trusted.t', '2'), xattr('trusted.v', '3')] }),
              hardLink('c', 'b'),
            ],
            [file('.wh.a')],
          ],
          tree: [
            'b=1 trusted.t=0x32 trusted.u=0x31 trusted.v=0x33',
            'c==b trusted.t=0x32 trusted.u=0x31 trusted.v=0x33',
          ],
        },
      ],
    },
    {
      row: '8.6',
      says: 'The size field of links, symlinks, directories, devices and fifos counts for nothing: no contents follow.',
      source: `${GO_TAR}, isHeaderOnly`,
      cases: [
        {
          name: 'of each type',
          layers: [
            [
              file('a', '1'),
              hardLink('b', 'a', { size: 512 }),
              dir('d', { size: 99 }),
              symlink('s', 'a', { size: 5 }),
              { name: 'c', type: '3', device: [1, 3], size: 7 },
              { name: 'e', type: '4', device: [7, 0], size: 7 },
              { name: 'p', type: '6', size: 7 },
            ],
          ],
          tree: ['a=1', 'b==a', 'c 1:3', 'd/', 'e 7:0', 'p|', 's->a'],
        },
        {
          name: 'however large',
          layers: [[file('a', '1'), hardLink('b', 'a', { size: 2 ** 60 }), dir('d', { size: 2 ** 62 })]],
          tree: ['a=1', 'b==a', 'd/'],
        },
      ],
    },
    {
      row: '8.7',
      says: 'Fifos, devices and symlinks can be linked, too.',
      source: ARCHIVE_GO,
      cases: [
        {
          name: 'of each type',
          layers: [
            [
              { name: 'p', type: '6' },
              hardLink('p2', 'p'),
              { name: 'c', type: '3', device: [1, 3] },
              hardLink('c2', 'c'),
              symlink('s', 'x'),
              hardLink('s2', 's'),
            ],
          ],
          tree: ['c 1:3', 'c2==c', 'p|', 'p2==p', 's->x', 's2==s'],
        },
      ],
    },
  ],
};
