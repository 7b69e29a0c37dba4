import {
  type Change,
  type ListPathsOptions,
  listChanges,
  openTree,
  provenanceObject,
  type RecordedEntry,
  shownPath,
} from '../../index.js';
import { argumentBytes } from '../options/exact-arguments.js';
import { flag } from '../options/option-row.js';
import { TREE_GROUPS, TREE_OPTIONS } from '../options/option-table.js';
import { usageError } from '../options/usage-error.js';
import { pathText, versionLine } from '../output/version-text.js';
import { defineCommand, type Result } from './command.js';

const SLASH = Buffer.from('/');
const NUL = Buffer.of(0);

/** Number of lines that are printed at once. */
const AT_ONCE = 500;

export const ls = defineCommand({
  describe:
    'Lists the files of an image, each with the layer it comes from. A directory stands for what is in it, and a pattern such as "/etc/*.conf" for all that fits it. Only headers are read, and nothing is verified unless --verify says so.',
  examples: [
    ['dimgx ls image.tar /etc', 'list a directory'],
    ['dimgx ls --recursive --hidden image.tar', 'list everything, also what newer layers hide'],
    ['dimgx ls --changes -l @-1 image.tar', 'tell what the newest layer did, as docker diff would'],
  ],
  operands: { name: 'IMAGE [PATH]', count: 'some', wanted: 'needs an image', names: 'file' },
  options: {
    recursive: { ...flag, describe: 'list everything below a directory' },
    hidden: { ...flag, describe: 'list hidden versions, too, and what hides each' },
    changes: { ...flag, describe: 'tell what the selected layers did: A for added, C for changed, D for gone' },
    inode: { ...flag, describe: 'print the inode number of each version first' },
    quiet: { ...flag, alias: 'q', describe: 'print paths only' },
    null: { ...flag, describe: 'print paths only, as raw bytes, each ended by a NUL' },
    ...TREE_OPTIONS,
  },
  shared: TREE_GROUPS,
  json: 'print a JSON object a line, of the shape of a provenance record',
  async *run({ operands: [reference, ...paths], given, library }) {
    if (given.changes) {
      if (paths.length > 0) throw usageError('ls --changes takes no paths');
      if (given.hidden || given.recursive) throw usageError('ls --changes takes neither --hidden nor --recursive');
      yield changesResult(await listChanges(reference, library), given);
      return;
    }
    const tree = await openTree(reference, library);
    try {
      yield* inBatches(tree.list(argumentBytes(paths), given), given);
    } finally {
      await tree.close();
    }
  },
});

function changesResult(changes: readonly Change[], { quiet, null: isNull }: Shape): Result {
  return {
    text: () => {
      if (isNull) return Buffer.concat(changes.flatMap(({ path }) => [SLASH, path, NUL]));
      return changes.map(({ kind, path }) => `${quiet ? '' : `${kind} `}${pathText(path)}\n`).join('');
    },
    jsonLines: () => changes.map(({ kind, path }) => ({ kind, ...shownPath(path) })),
  };
}

type Shape = ListPathsOptions & { readonly quiet?: boolean; readonly null?: boolean; readonly inode?: boolean };

function* inBatches(entries: Iterable<RecordedEntry>, shape: Shape): Generator<Result, void, void> {
  let batch: RecordedEntry[] = [];
  for (const entry of entries) {
    batch.push(entry);
    if (batch.length < AT_ONCE) continue;
    yield resultOf(batch, shape);
    batch = [];
  }
  yield resultOf(batch, shape);
}

function resultOf(batch: readonly RecordedEntry[], shape: Shape): Result {
  return {
    text: () => {
      if (shape.null) return Buffer.concat(batch.flatMap(({ path }) => [SLASH, path, NUL]));
      return batch
        .map((entry) => (shape.quiet ? `${pathText(entry.path)}\n` : versionLine(entry, shape.inode)))
        .join('');
    },
    jsonLines: () => batch.map(provenanceObject),
  };
}
