import { dir, file, hardLink, type Section } from '../case.js';
import { DIFF_GO } from '../sources.js';

export const AUFS: Section = {
  title: 'Leftovers of AUFS',
  rules: [
    {
      row: '6.1',
      says: '`.wh..wh.aufs`, `.wh..wh.plnk/` and `.wh..wh.orph/` at the root of a layer vanish.',
      source: DIFF_GO,
      cases: [
        {
          name: 'all three',
          layers: [[file('.wh..wh.aufs'), dir('.wh..wh.plnk'), dir('.wh..wh.orph'), file('a', '1')]],
          tree: ['a=1'],
          warnings: ['DIMGX_ENTRY_AUFS'],
        },
      ],
    },
    {
      row: '6.2',
      says: 'A hard link to a file in `.wh..wh.plnk/` keeps its contents.',
      engines:
        'Docker vfs keeps such files aside and makes of each link a copy; overlay engines, containerd and umoci leave the directory in the tree and link to it.',
      choice: 'links them among themselves; the directory does not appear.',
      source: DIFF_GO,
      cases: [
        {
          name: 'two links to one',
          layers: [
            [file('.wh..wh.plnk/1.2', '1')],
            [dir('.wh..wh.plnk'), file('.wh..wh.plnk/3.4', '2'), hardLink('a', '.wh..wh.plnk/3.4')],
          ],
          tree: ['a=2'],
          warnings: ['DIMGX_ENTRY_AUFS'],
        },
        {
          name: 'both stay one file',
          layers: [
            [file('.wh..wh.plnk/3.4', '2'), hardLink('a', '.wh..wh.plnk/3.4'), hardLink('b', '.wh..wh.plnk/3.4')],
          ],
          tree: ['a=2', 'b==a'],
        },
      ],
    },
  ],
};
