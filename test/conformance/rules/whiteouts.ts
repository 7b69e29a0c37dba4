import { dir, file, hardLink, type Section, symlink } from '../case.js';
import { DIFF_GO, OVERLAYFS, WHITEOUTS_MD } from '../sources.js';

export const WHITEOUTS: Section = {
  title: 'Whiteouts: `.wh.NAME`',
  rules: [
    {
      row: '4.1',
      says: 'Removes NAME of the older layers with all below it: a symlink and not its target, one name of several and not the others.',
      source: WHITEOUTS_MD,
      cases: [
        {
          name: 'a tree, a symlink, a hard link',
          layers: [
            [file('d/e/f'), symlink('s', 't'), file('t/f'), file('a', '1'), hardLink('b', 'a'), hardLink('c', 'a')],
            [file('.wh.d'), file('.wh.s'), file('.wh.a')],
          ],
          tree: ['b=1', 'c==b', 't/', 't/f='],
        },
      ],
    },
    {
      row: '4.2',
      says: 'Only the name of a whiteout counts, not its type, contents or mode.',
      source: WHITEOUTS_MD,
      cases: [
        {
          name: 'a file, a directory, a symlink, a fifo',
          layers: [
            [file('a'), file('b'), file('c'), file('d')],
            [file('.wh.a', 'x'), dir('.wh.b'), symlink('.wh.c', 'x'), { ...file('.wh.d'), type: '6', mode: 0 }],
          ],
          tree: [],
        },
        {
          name: 'a device 0:0',
          layers: [
            [file('a'), file('o/b')],
            [
              { name: '.wh.a', type: '3' },
              { name: 'o/.wh..wh..opq', type: '3' },
            ],
          ],
          tree: ['o/'],
        },
      ],
    },
    {
      row: '4.3',
      says: 'What is not there is not missed.',
      engines: 'A missing directory around it is made by Docker, containerd and Podman, not by umoci.',
      choice: 'makes none.',
      source: WHITEOUTS_MD,
      cases: [
        { name: 'no such file', layers: [[file('a')], [file('.wh.x')]], tree: ['a='] },
        { name: 'no such directory', layers: [[file('a')], [file('no/where/.wh.y')]], tree: ['a='] },
      ],
    },
    {
      row: '4.4',
      says: 'Entries of the same layer are never hidden, before or behind the whiteout.',
      engines:
        'Whiteout first: all agree. Whiteout last: umoci keeps the new file; Docker overlay2, containerd overlayfs and Podman fail; Docker vfs and containerd native delete it.',
      choice: 'keeps it: the specification says MUST.',
      source: WHITEOUTS_MD,
      cases: [
        { name: 'whiteout first', layers: [[file('f', '1')], [file('.wh.f'), file('f', '2')]], tree: ['f=2'] },
        { name: 'whiteout last', layers: [[file('f', '1')], [file('f', '2'), file('.wh.f')]], tree: ['f=2'] },
      ],
    },
    {
      row: '4.5',
      says: 'A directory that one layer removes and makes anew holds only what is new.',
      engines:
        'Docker vfs, containerd native and umoci agree; Docker overlay2, containerd overlayfs and Podman lose the whiteout and show the older children again.',
      choice: 'only what is new, in either order.',
      source: WHITEOUTS_MD,
      cases: [
        {
          name: 'whiteout first',
          layers: [[file('d/old')], [file('.wh.d'), dir('d'), file('d/new')]],
          tree: ['d/', 'd/new='],
        },
        {
          name: 'whiteout last',
          layers: [[file('d/old')], [dir('d'), file('d/new'), file('.wh.d')]],
          tree: ['d/', 'd/new='],
        },
      ],
    },
    {
      row: '4.6',
      says: 'A whiteout acts on one boundary: what a later layer adds under that name is new.',
      source: WHITEOUTS_MD,
      cases: [
        { name: 'a file', layers: [[file('f', '1')], [file('.wh.f')], [file('f', '3')]], tree: ['f=3'] },
        { name: 'a directory', layers: [[file('d/a')], [file('.wh.d')], [file('d/b')]], tree: ['d/', 'd/b='] },
      ],
    },
    {
      row: '4.7',
      says: 'It never shows. In the first layer it does nothing.',
      source: WHITEOUTS_MD,
      cases: [{ name: 'in the first layer', layers: [[file('.wh.f'), file('a')]], tree: ['a='] }],
    },
    {
      row: '4.8',
      says: '`.wh.`, `.wh..` and `.wh...` name nothing and are invalid.',
      engines:
        'The specification: SHOULD fail. containerd fails by rule, Docker overlay2 and Podman by accident; Docker vfs and umoci remove the directory around it, and umoci then fails for want of it.',
      choice: 'ignores them with a warning: nothing is lost.',
      source: WHITEOUTS_MD,
      cases: [
        ...['.wh.', '.wh..', '.wh...'].map((name) => ({
          name: `${name} in a directory`,
          layers: [[file('d/f')], [file(`d/${name}`)]],
          tree: ['d/', 'd/f='],
          warnings: ['DIMGX_ENTRY_BAD_WHITEOUT'] as const,
        })),
        {
          name: '.wh. at the root',
          layers: [[file('f')], [file('.wh.')]],
          tree: ['f='],
          warnings: ['DIMGX_ENTRY_BAD_WHITEOUT'],
        },
      ],
    },
    {
      row: '4.9',
      says: '`.wh..hidden` removes `.hidden`; below the root `.wh..wh.x` removes `.wh.x`, which no layer can have.',
      source: DIFF_GO,
      cases: [
        { name: 'a name that begins with a dot', layers: [[file('.hidden')], [file('.wh..hidden')]], tree: [] },
        {
          name: 'a name that begins with the prefix',
          layers: [[file('d/f')], [file('d/.wh..wh.x')]],
          tree: ['d/', 'd/f='],
        },
      ],
    },
    {
      row: '4.10',
      says: 'Below a symlink it acts as an entry there would: see 2.3 and 2.4.',
      engines: 'Below a symlink of an older layer as in 2.4: sequential engines follow it.',
      choice: "the overlay's tree: the symlink gives way to a directory, the target keeps its files.",
      source: OVERLAYFS,
      cases: [
        {
          name: 'of an older layer',
          layers: [[file('t/f'), symlink('s', 't')], [file('s/.wh.f')]],
          tree: ['s/', 't/', 't/f='],
          warnings: ['DIMGX_ENTRY_SYMLINK_REPLACED'],
        },
        {
          name: 'of the same layer',
          layers: [
            [file('t/f'), file('t/g')],
            [dir('t'), symlink('s', 't'), file('s/.wh.f')],
          ],
          tree: ['s->t', 't/', 't/g='],
        },
        {
          name: 'of the same layer that is replaced afterwards, and one that was replaced',
          layers: [
            [file('t/f'), file('u/f'), file('v/f')],
            [symlink('s', 't'), file('s/.wh.f'), symlink('s', 'u'), symlink('v', 'u'), dir('v'), file('v/.wh.f')],
          ],
          tree: ['s->u', 't/', 'u/', 'u/f=', 'v/'],
          warnings: ['DIMGX_ENTRY_DUPLICATE'],
        },
      ],
    },
  ],
};
