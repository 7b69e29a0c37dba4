import { copyFiles } from '../../index.js';
import { argumentBytes } from '../options/exact-arguments.js';
import { flag } from '../options/option-row.js';
import { TREE_GROUPS, TREE_OPTIONS } from '../options/option-table.js';
import { usageError } from '../options/usage-error.js';
import { defineCommand } from './command.js';

const WANTED = 'needs an image, a path in it, and a destination';

export const cp = defineCommand({
  describe:
    'Copies files and directories out of an image, as cp -r would. They are owned by you, and have no set-uid, set-gid and sticky bits. Symlinks are copied as they are; devices and FIFOs are left out. With "-" as DEST, writes a tar to standard output, as exact as flattening.',
  examples: [
    ['dimgx cp image.tar /etc/ssl .', 'copy a directory'],
    ["dimgx cp image.tar '/usr/lib/*.so*' libraries/", 'copy what fits a pattern into a directory'],
    ['dimgx cp -l @2 image.tar /root/.ssh - | tar tv', 'see what a newer layer removed'],
  ],
  operands: { name: 'IMAGE PATH DEST', usage: 'IMAGE PATH... DEST', count: 'some', wanted: WANTED, names: 'file' },
  options: {
    parents: { ...flag, describe: 'keep whole paths, below DEST' },
    force: { ...flag, alias: 'w', field: 'force', means: true, describe: 'replace files and symlinks that exist' },
    ...TREE_OPTIONS,
  },
  shared: TREE_GROUPS,
  json: 'print what was copied',
  async run({ operands: [reference, ...rest], given: { parents = false }, library }) {
    const destination = rest.at(-1);
    const paths = rest.slice(0, -1);
    if (destination === undefined || paths.length === 0) throw usageError(`cp ${WANTED}`);
    const result = await copyFiles(reference, argumentBytes(paths), destination, { ...library, parents });
    return { text: () => '', json: () => result, ...(destination === '-' && { stream: process.stderr }) };
  },
});
