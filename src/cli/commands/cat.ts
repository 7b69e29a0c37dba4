import { openTree } from '../../index.js';
import { argumentBytes } from '../options/exact-arguments.js';
import { flag } from '../options/option-row.js';
import { TREE_GROUPS, TREE_OPTIONS } from '../options/option-table.js';
import { usageError } from '../options/usage-error.js';
import { TerminalText } from '../output/terminal-text.js';
import { defineCommand } from './command.js';

export const cat = defineCommand({
  describe:
    'Prints files of an image. Symlinks are followed inside the image. What newer layers hide is found by selecting its layer with -l. On a terminal, control characters are shown escaped.',
  examples: [
    ['dimgx cat image.tar /etc/os-release', 'print a file'],
    ['dimgx cat -l @2 image.tar /root/.ssh/id_rsa > key', 'recover a file that a newer layer removed'],
    ['dimgx cat --inode image.tar 1742', 'print a version that a record names'],
  ],
  operands: { name: 'IMAGE PATH', count: 'some', wanted: 'needs an image and a path in it', names: 'file' },
  options: {
    inode: { ...flag, describe: 'take inode numbers, as ls --inode and records show them, in place of paths' },
    raw: { ...flag, describe: 'print control characters as they are, on a terminal, too' },
    ...TREE_OPTIONS,
  },
  shared: TREE_GROUPS,
  async *run({ operands: [reference, ...paths], given: { raw, inode }, library }) {
    if (paths.length === 0) throw usageError('cat needs an image and a path in it');
    const isEscaped = process.stdout.isTTY && !raw;
    const tree = await openTree(reference, library);
    try {
      for (const path of argumentBytes(paths)) {
        const text = isEscaped ? new TerminalText() : undefined;
        const contents = inode ? tree.readInode(inodeOf(path)) : tree.read(path);
        for await (const piece of await contents) yield { text: () => text?.push(piece) ?? piece };
        yield { text: () => text?.end() ?? '' };
      }
    } finally {
      await tree.close();
    }
  },
});

function inodeOf(text: Uint8Array): number {
  const digits = Buffer.from(text).toString();
  if (/^\d{1,10}$/.test(digits)) return Number(digits);
  throw usageError(`--inode takes numbers, not "${digits}"`);
}
