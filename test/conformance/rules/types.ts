import { GNU, rawEntry } from '../../helpers/raw-tar.js';
import { dir, file, hardLink, type Section, symlink } from '../case.js';
import { GO_TAR, OVERLAYFS, POSIX_USTAR } from '../sources.js';

const UNPACK = 'moby v20.10, pkg/archive/archive.go, createTarFile';

/** A file of 1,030 bytes of which the first 1,024 are a hole, as GNU tar stores it in its own format. */
const OLD_SPARSE = rawEntry(
  { name: 's', type: 'S', magic: GNU, patch: { 386: '00000002000\x0000000000006\0', 483: '00000002006\0' } },
  'sparse',
);

export const TYPES: Section = {
  title: 'Types',
  rules: [
    {
      row: '9.1',
      says: 'Files `0` and NUL, hard links `1`, symlinks `2`, devices `3` and `4`, directories `5`, fifos `6`; `x`, `g`, `L` and `K` are no entries.',
      source: POSIX_USTAR,
      cases: [
        {
          name: 'one of each',
          layers: [
            [
              file('0', '1'),
              { ...file('NUL', '2'), type: '\0' },
              hardLink('1', '0'),
              symlink('2', 'x'),
              { name: '3', type: '3', device: [1, 3] },
              { name: '4', type: '4', device: [259, 70_000] },
              dir('5'),
              { name: '6', type: '6' },
            ],
          ],
          tree: ['0=1', '1==0', '2->x', '3 1:3', '4 259:70000', '5/', '6|', 'NUL=2'],
        },
      ],
    },
    {
      row: '9.2',
      says: 'A contiguous file `7` is a file.',
      engines: 'Docker, containerd and umoci refuse ("unhandled tar header type").',
      choice: 'takes it as a file, as POSIX says.',
      source: POSIX_USTAR,
      cases: [
        {
          name: 'with contents',
          layers: [[{ ...file('a', '1'), type: '7' }]],
          tree: ['a=1'],
          warnings: ['DIMGX_ENTRY_CONTIGUOUS'],
        },
      ],
    },
    {
      row: '9.3',
      says: 'An old GNU sparse file `S` is a file.',
      engines: 'Docker, containerd and umoci refuse.',
      choice: 'passes it through as it stands when its map is sane, with a warning.',
      source: 'GNU tar manual, Old GNU Format',
      cases: [
        {
          name: 'a hole and contents',
          layers: [[OLD_SPARSE]],
          tree: [`s=${'\0'.repeat(1024)}sparse`],
          warnings: ['DIMGX_ENTRY_SPARSE'],
        },
        {
          name: 'a map that leaves the file',
          layers: [
            [
              rawEntry(
                {
                  name: 's',
                  type: 'S',
                  magic: GNU,
                  patch: { 386: '00000002000\x0000000000006\0', 483: '00000001000\0' },
                },
                'sparse',
              ),
            ],
          ],
          refused: 'DIMGX_TAR_BAD_SPARSE',
        },
      ],
    },
    {
      row: '9.4',
      says: 'Unknown types are refused.',
      source: UNPACK,
      cases: ['A', 'D', 'M', 'V', 'Z', '9'].map((type) => ({
        name: `type ${type}`,
        layers: [[{ ...file('a'), type }]],
        refused: 'DIMGX_TAR_UNKNOWN_TYPE',
      })),
    },
    {
      row: '9.5',
      says: 'A character device 0:0 is a whiteout.',
      engines: 'For sequential engines an ordinary device, for overlay engines a whiteout.',
      choice: 'a whiteout, with a warning: as a container would see it.',
      source: OVERLAYFS,
      cases: [
        {
          name: 'over a file',
          layers: [[file('a'), file('b')], [{ name: 'a', type: '3' }]],
          tree: ['b='],
          warnings: ['DIMGX_ENTRY_DEVICE_WHITEOUT'],
        },
        {
          name: 'a block device 0:0 is none',
          source: GO_TAR,
          layers: [[file('a')], [{ name: 'a', type: '4' }]],
          tree: ['a 0:0'],
        },
      ],
    },
  ],
};
