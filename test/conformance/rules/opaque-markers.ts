import { dir, file, hardLink, type Section, symlink } from '../case.js';
import { OVERLAYFS } from '../sources.js';

const OPAQUE_MD = 'OCI image-spec, layer.md, Opaque Whiteout';

export const OPAQUE_MARKERS: Section = {
  title: 'Opaque markers: `.wh..wh..opq`',
  rules: [
    {
      row: '5.1',
      says: 'Hides all older children of its directory, and all below them; entries of the same layer stay, wherever the marker stands.',
      engines:
        'Docker vfs and containerd native delete new entries in implied subdirectories when the marker comes last.',
      choice: 'keeps them: the specification says that the marker acts on older layers only.',
      source: OPAQUE_MD,
      cases: [
        {
          name: 'marker first',
          layers: [
            [file('d/a'), file('d/b/c')],
            [file('d/.wh..wh..opq'), file('d/b/new'), file('d/x')],
          ],
          tree: ['d/', 'd/b/', 'd/b/new=', 'd/x='],
        },
        {
          name: 'marker between',
          layers: [
            [file('d/a'), file('d/b/c')],
            [file('d/b/new'), file('d/.wh..wh..opq'), file('d/x')],
          ],
          tree: ['d/', 'd/b/', 'd/b/new=', 'd/x='],
        },
        {
          name: 'marker last',
          layers: [
            [file('d/a'), file('d/b/c')],
            [dir('d'), file('d/x'), file('d/b/new'), file('d/.wh..wh..opq')],
          ],
          tree: ['d/', 'd/b/', 'd/b/new=', 'd/x='],
        },
      ],
    },
    {
      row: '5.2',
      says: 'The directory itself stays; its metadata are those of its entry, or those of the older layers.',
      engines: 'Without an entry as in 2.2: Docker overlay2 and Podman reset them.',
      choice: 'keeps them.',
      source: OPAQUE_MD,
      cases: [
        {
          name: 'without an entry',
          layers: [[dir('d', { mode: 0o700 }), file('d/a')], [file('d/.wh..wh..opq')]],
          tree: ['d/ 0700'],
        },
        {
          name: 'with an entry',
          layers: [
            [dir('d', { mode: 0o700 }), file('d/a')],
            [dir('d', { mode: 0o711 }), file('d/.wh..wh..opq')],
          ],
          tree: ['d/ 0711'],
        },
      ],
    },
    {
      row: '5.3',
      says: 'A subdirectory alone can be opaque, and later layers add to what is left. Where older layers have no directory there is nothing to hide.',
      engines: 'A missing directory is made by Docker, containerd and Podman, as in 4.3.',
      choice: 'makes none; a symlink or a file gives way to a directory as in 2.4 and 2.6.',
      source: OVERLAYFS,
      cases: [
        {
          name: 'a subdirectory, added to later',
          layers: [[file('d/a'), file('d/e/b')], [file('d/e/.wh..wh..opq')], [file('d/e/c')]],
          tree: ['d/', 'd/a=', 'd/e/', 'd/e/c='],
        },
        { name: 'no directory', layers: [[file('a')], [file('d/.wh..wh..opq')]], tree: ['a='] },
        {
          name: 'a symlink, whose target keeps its files',
          layers: [
            [file('t/f'), symlink('s', 't')],
            [file('s/.wh..wh..opq'), file('s/x')],
          ],
          tree: ['s/', 's/x=', 't/', 't/f='],
          warnings: ['DIMGX_ENTRY_SYMLINK_REPLACED'],
        },
        {
          name: 'a file',
          layers: [[file('f', '1')], [dir('f'), file('f/.wh..wh..opq'), file('f/x')]],
          tree: ['f/', 'f/x='],
        },
      ],
    },
    {
      row: '5.4',
      says: 'At the root of a layer it hides everything older.',
      engines:
        'umoci and Docker vfs do so; with Docker overlay2, containerd overlayfs and Podman it does nothing, as overlayfs does not look at the root of a layer.',
      choice: 'hides everything older, as the specification says.',
      source: OPAQUE_MD,
      cases: [
        {
          name: 'with ./ in front',
          layers: [
            [file('a'), file('d/b')],
            [file('c'), file('./.wh..wh..opq')],
          ],
          tree: ['c='],
        },
        {
          name: 'without',
          layers: [
            [file('a'), file('d/b')],
            [file('.wh..wh..opq'), file('c')],
          ],
          tree: ['c='],
        },
      ],
    },
    {
      row: '5.5',
      says: 'Hidden files that have hard links elsewhere stay there.',
      source: OPAQUE_MD,
      cases: [
        {
          name: 'one name outside',
          layers: [[file('d/a', '1'), hardLink('b', 'd/a')], [file('d/.wh..wh..opq')]],
          tree: ['b=1', 'd/'],
        },
      ],
    },
  ],
};
