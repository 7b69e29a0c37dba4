import { dir, file, type Section, symlink } from '../case.js';
import { TAR_SPLIT } from '../sources.js';

export const DUPLICATES: Section = {
  title: 'Duplicates in one layer',
  rules: [
    {
      row: '7',
      says: 'A path should not stand twice in a layer; names count as cleaned.',
      engines:
        'Docker and Podman refuse ("duplicates of file paths not supported"); containerd and umoci let the last one win by the rules of 3.',
      choice: 'the last wins, with a warning.',
      source: TAR_SPLIT,
      cases: [
        {
          name: 'the last wins',
          layers: [[file('a', '1'), file('./a', '2'), symlink('b', 'x'), dir('b')]],
          tree: ['a=2', 'b/'],
          warnings: ['DIMGX_ENTRY_DUPLICATE'],
        },
        {
          name: 'a directory that a duplicate replaced comes back empty',
          layers: [[file('d/old')], [file('d'), dir('d')]],
          tree: ['d/'],
          warnings: ['DIMGX_ENTRY_DUPLICATE'],
        },
        {
          name: 'a directory twice keeps its children',
          layers: [[dir('d', { mode: 0o700 }), file('d/f'), dir('d', { mode: 0o711 })]],
          tree: ['d/ 0711', 'd/f='],
          warnings: ['DIMGX_ENTRY_DUPLICATE'],
        },
      ],
    },
  ],
};
