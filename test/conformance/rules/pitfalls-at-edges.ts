import { rawEntry } from '../../helpers/raw-tar.js';
import { dir, file, hardLink, type Section, symlink } from '../case.js';

const MANY = Array.from({ length: 2000 }, (_, n) => String(n).padStart(4, '0'));

/** What users of tools that flatten images have tripped over: escapes, and masses. */
export const PITFALLS_AT_EDGES: Section = {
  title: 'Pitfalls: escapes and masses',
  rules: [
    {
      row: 'P17',
      says: 'Nothing leaves the root when it is unpacked.',
      engines:
        'Names above the root: see 1.3. A symlink in place of the root: see 1.4. umoci makes the target of a symlink inside the root: see 2.5.',
      choice: 'refuses them.',
      source: 'CVE-2021-29136, CVE-2024-24579, CVE-2026-23745, CVE-2026-24842',
      cases: [
        {
          name: 'a symlink named .',
          source: 'CVE-2021-29136',
          layers: [[symlink('.', '/'), file('etc/passwd', '1')]],
          refused: 'DIMGX_LAYER_BAD_ROOT',
        },
        {
          name: 'a folder beside the root whose name begins alike',
          source: 'CVE-2024-24579',
          layers: [[file('../rootfs-evil/x')]],
          refused: 'DIMGX_ENTRY_UNSAFE_NAME',
        },
        {
          name: 'a hard link to what is outside',
          source: 'CVE-2026-23745',
          layers: [[hardLink('p', '../../../etc/passwd')]],
          refused: 'DIMGX_ENTRY_BAD_LINK',
        },
        {
          name: 'targets of hard links are from the root, not from their directory',
          source: 'CVE-2026-24842',
          layers: [[file('a', '1'), file('d/a', '2'), hardLink('d/b', 'a')]],
          tree: ['a=1', 'd/', 'd/a=2', 'd/b==a'],
        },
        {
          name: 'written through a symlink to the outside',
          layers: [[symlink('x', '/tmp'), rawEntry({ name: 'x/evil' }, '1')]],
          refused: 'DIMGX_ENTRY_BAD_PARENT',
        },
      ],
    },
    {
      row: 'P20',
      says: 'Whiteouts in masses take no more than their number.',
      source: 'charliecloud#863',
      cases: [
        {
          name: '2,000 files, 2,000 whiteouts',
          layers: [
            [dir('d'), ...MANY.map((name) => file(`d/${name}`))],
            [dir('d'), ...MANY.map((name) => file(`d/.wh.${name}`))],
          ],
          tree: ['d/'],
        },
      ],
    },
  ],
};
