import { dir, file, hardLink, type Section, symlink } from '../case.js';

const OWN = 'docs/cli.md, Layer specs';

/** Of dimgx alone: no engine takes some layers of an image. */
export const SELECTION: Section = {
  title: 'Selected layers',
  rules: [
    {
      row: 'S.1',
      says: 'The order of the selection counts, not that of the image.',
      source: OWN,
      cases: [
        {
          name: 'older layers can win',
          layers: [[file('a', '1')], [file('a', '2'), file('.wh.b')], [file('b', '3')]],
          select: [0, 1, 2],
          tree: ['a=1'],
        },
      ],
    },
    {
      row: 'S.2',
      says: 'A hard link to what was not selected is left out, with a warning; a symlink whose target was not does not hinder its own layer.',
      source: OWN,
      cases: [
        {
          name: 'a link, and nothing is made for it',
          layers: [
            [file('usr/lib/f', '1'), symlink('lib', 'usr/lib')],
            [hardLink('g', 'lib/f'), file('h')],
          ],
          select: [1],
          tree: ['h='],
          warnings: ['DIMGX_ENTRY_LINK_NOT_SELECTED'],
        },
        {
          name: 'a symlink',
          layers: [[dir('usr/lib')], [symlink('lib', 'usr/lib'), file('lib/f', '1')]],
          select: [1],
          tree: ['lib->usr/lib', 'usr/', 'usr/lib/', 'usr/lib/f=1'],
        },
      ],
    },
  ],
};
