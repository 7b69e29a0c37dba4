import { dir, file, hardLink, type Section, symlink } from '../case.js';
import { CHANGESETS_MD, LAYER_MD, WHITEOUTS_MD } from '../sources.js';

export const FAMILIES: Section = {
  title: 'Two families of engines',
  rules: [
    {
      row: '0.1',
      says: 'A layer with an entry for every parent of every entry, and no name both present and whited out, gives one tree everywhere.',
      engines:
        'Sequential engines (the OCI text, Docker vfs, containerd native, umoci) apply each layer to the tree of those below; overlay engines (Docker overlay2, containerd overlayfs, Podman) unpack each alone, and the kernel merges.',
      choice: 'the tree of the overlay, and the specification where that says MUST.',
      source: `${LAYER_MD}; observed with the engines of this table`,
      cases: [
        {
          name: 'directories, links, whiteouts, an opaque marker',
          layers: [
            [
              dir('bin', { mtime: 1 }),
              file('bin/sh', '1', { mode: 0o755, mtime: 2 }),
              hardLink('bin/ash', 'bin/sh', { mode: 0o755, mtime: 2 }),
              symlink('lib', 'usr/lib', { mtime: 3 }),
              dir('usr', { mtime: 4 }),
              dir('usr/lib', { mtime: 4 }),
              file('usr/lib/old', '2', { mtime: 5 }),
              dir('var', { mtime: 6 }),
              file('var/cache', '3', { mtime: 7 }),
            ],
            [
              dir('usr', { mtime: 10 }),
              dir('usr/lib', { mtime: 11 }),
              file('usr/lib/.wh.old'),
              file('usr/lib/new', '4', { uid: 7, gid: 8, mtime: 12 }),
              dir('var', { mode: 0o700, mtime: 13 }),
              file('var/.wh..wh..opq'),
              file('var/log', '5', { mtime: 14 }),
            ],
          ],
          tree: [
            'bin/ 1.000000000',
            'bin/ash=1 0755 2.000000000',
            'bin/sh==bin/ash 0755 2.000000000',
            'lib->usr/lib 3.000000000',
            'usr/ 10.000000000',
            'usr/lib/ 11.000000000',
            'usr/lib/new=4 7:8 12.000000000',
            'var/ 0700 13.000000000',
            'var/log=5 14.000000000',
          ],
        },
      ],
    },
    {
      row: '0.2',
      says: 'Layers go from oldest to newest; inside a layer entries are applied as they stand.',
      source: CHANGESETS_MD,
      cases: [
        { name: 'the newest counts', layers: [[file('a', '1')], [file('a', '2')], [file('a', '3')]], tree: ['a=3'] },
      ],
    },
    {
      row: '0.3',
      says: 'Of markers the place in the tar does not matter.',
      source: WHITEOUTS_MD,
      cases: [
        {
          name: 'in front and behind',
          layers: [
            [dir('d'), file('d/a'), file('d/b'), file('d/c', '1')],
            [file('d/.wh.a'), dir('d'), file('d/new', '2'), file('d/.wh.b')],
          ],
          tree: ['d/', 'd/c=1', 'd/new=2'],
        },
      ],
    },
  ],
};
