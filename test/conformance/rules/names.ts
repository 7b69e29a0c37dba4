import { dir, file, type Section, symlink } from '../case.js';
import { CHANGESETS_MD, CLEAN, GO_TAR, LAYER_MD } from '../sources.js';

const LONG = 'n'.repeat(255);
const DEEP = Array.from({ length: 30 }, () => 'd'.repeat(120)).join('/');
const DEEP_TREE = DEEP.split('/').map((_, i, parts) => `${parts.slice(0, i + 1).join('/')}/`);

export const NAMES: Section = {
  title: 'Names',
  rules: [
    {
      row: '1.1',
      says: 'Names are cleaned as text: `.`, `//` and a slash at the end go, `a/..` is resolved.',
      source: CLEAN,
      cases: [
        {
          name: 'dots, double slashes and parents',
          layers: [[file('./a/./b//c/../f', '1')]],
          tree: ['a/', 'a/b/', 'a/b/f=1'],
        },
        {
          name: 'two spellings of one path are one',
          layers: [[file('d//x/../f', '1')], [file('d/f', '2')]],
          tree: ['d/', 'd/f=2'],
        },
      ],
    },
    {
      row: '1.2',
      says: 'A leading slash is dropped: `/a`, `./a` and `a` are one path.',
      source: 'moby v20.10, pkg/archive/diff.go, joined below the root',
      cases: [{ name: 'all three', layers: [[file('/a', '1')], [file('./a', '2')], [file('a', '3')]], tree: ['a=3'] }],
    },
    {
      row: '1.3',
      says: 'A name may not lead out of the root.',
      engines:
        'Docker 20.10 (in a chroot), containerd and umoci stop at the root, so that `../../x` is `x`; newer moby refuses (`IsLocal`).',
      choice: 'refuses: no builder writes such names.',
      source: 'moby, pkg/archive/diff.go, IsLocal',
      cases: [
        { name: 'up at once', layers: [[file('../a')]], refused: 'DIMGX_ENTRY_UNSAFE_NAME' },
        { name: 'up behind a directory', layers: [[file('d/../../a')]], refused: 'DIMGX_ENTRY_UNSAFE_NAME' },
        { name: 'a whiteout', layers: [[file('a')], [file('../.wh.a')]], refused: 'DIMGX_ENTRY_UNSAFE_NAME' },
      ],
    },
    {
      row: '1.4',
      says: 'An entry for the root gives its metadata; an empty name is the root.',
      engines:
        'Docker overlay2 leaves it out as `.` and applies it as `/`, for the newest layer alone; containerd and Podman leave it out, umoci and Docker vfs apply it. As another type Docker overlay2 and Podman leave it out, vfs and umoci refuse.',
      choice: 'the newest entry of the root counts and is written as `./`; what is no directory is refused.',
      source: CHANGESETS_MD,
      cases: [
        {
          name: 'the newest entry counts',
          layers: [[dir('.', { mode: 0o700 })], [dir('/', { uid: 7 }), file('a')]],
          tree: ['./ 7:0', 'a='],
        },
        { name: 'an empty name', layers: [[dir('', { mode: 0o711 }), file('a')]], tree: ['./ 0711', 'a='] },
        { name: 'a symlink', layers: [[symlink('./', 'x')]], refused: 'DIMGX_LAYER_BAD_ROOT' },
        { name: 'a file', layers: [[file('.')]], refused: 'DIMGX_LAYER_BAD_ROOT' },
      ],
    },
    {
      row: '1.5',
      says: 'An entry of type NUL whose name ends in a slash is a directory; one of type 0 is a file, for all that GNU tar makes of it.',
      source: GO_TAR,
      cases: [
        {
          name: 'one of each',
          layers: [[{ ...file('d/'), type: '\0', mode: 0o755 }, file('f/', '1')]],
          tree: ['d/', 'f=1'],
        },
        { name: 'type NUL without a slash is a file', layers: [[{ ...file('f', '1'), type: '\0' }]], tree: ['f=1'] },
      ],
    },
    {
      row: '1.6',
      says: 'Names that only look like markers are ordinary.',
      source: LAYER_MD,
      cases: [
        {
          name: 'dots and prefixes',
          layers: [['...', '..a', 'a..', '.wh', '.whx', 'a.wh.b', '.WH.x'].map((name) => file(name))],
          tree: ['...=', '..a=', '.WH.x=', '.wh=', '.whx=', 'a..=', 'a.wh.b='],
        },
      ],
    },
    {
      row: '1.7',
      says: 'Names are bytes: no normalisation, no folding of case, nothing put in place of what is not UTF-8; `hdrcharset` counts for nothing.',
      source: GO_TAR,
      cases: [
        {
          name: 'in headers, PAX and GNU form',
          layers: [
            [
              ...['\xff\xfe', 'E\xcc\x81', '\xc3\x89', 'x\ny', 'b\\c'].map((name) => file(name)),
              file('wrong', '', { pax: [['path', 'p\xff']] }),
              file('wrong', '', { longName: 'g\xff' }),
              { ...symlink('s', ''), pax: [['linkpath', 't\xff']] },
            ],
          ],
          tree: ['E\xcc\x81=', 'b\\c=', 'g\xff=', 'p\xff=', 's->t\xff', 'x\ny=', '\xc3\x89=', '\xff\xfe='],
        },
        { name: 'upper and lower case', layers: [[file('A', '1')], [file('a', '2')]], tree: ['A=1', 'a=2'] },
        {
          name: 'hdrcharset is not obeyed',
          layers: [
            [
              file('wrong', '', {
                pax: [
                  ['hdrcharset', 'ISO-IR 8859 1 1998'],
                  ['path', '\xc3\xa9'],
                ],
              }),
            ],
          ],
          tree: ['\xc3\xa9='],
          warnings: ['DIMGX_ENTRY_PAX_RECORD'],
        },
      ],
    },
    {
      row: '1.8',
      says: 'Names may be as long as Linux takes them.',
      engines:
        'All fail on a component over 255 bytes or a path over 4,095 (ENAMETOOLONG); Docker vfs, in a chroot, on no path that symlinks make longer.',
      choice: 'passes names on up to 4,095 bytes a path, whatever its components; refuses longer ones.',
      source: 'Linux, limits.h, NAME_MAX and PATH_MAX',
      cases: [
        { name: 'long names are passed on', layers: [[file(LONG, '1'), dir(DEEP)]], tree: [...DEEP_TREE, `${LONG}=1`] },
        { name: 'a component of 256 bytes', layers: [[file(`n${LONG}`, '1')]], tree: [`n${LONG}=1`] },
        {
          name: 'a path over 4,095 bytes',
          layers: [[file(`${DEEP}/${'e/'.repeat(300)}f`)]],
          refused: 'DIMGX_ENTRY_UNSAFE_NAME',
        },
        {
          name: 'a path that symlinks make longer',
          layers: [[dir(DEEP), symlink('s', DEEP), file(`s/${'e'.repeat(250)}/${'f'.repeat(250)}/${'g'.repeat(250)}`)]],
          refused: 'DIMGX_ENTRY_UNSAFE_NAME',
        },
      ],
    },
  ],
};
