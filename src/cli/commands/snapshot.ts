import { snapshot } from '../../index.js';
import { text } from '../options/option-row.js';
import { TREE_GROUPS, TREE_OPTIONS } from '../options/option-table.js';
import { COMPRESSION_OPTIONS, PATH_OPTIONS } from '../options/output-options.js';
import { usageError } from '../options/usage-error.js';
import { defineCommand, type Result } from './command.js';
import { requireWhole } from './flatten.js';

const examination = { ...text, metavar: '=TEXT' } as const;

export const snapshotCommand = defineCommand({
  describe:
    'Takes a snapshot of an image for evidence: a bag (BagIt, RFC 8493) with the flat tar, a tar of what newer layers hide, records of where every file came from, and the documents of the image. DIR must be empty, or not exist. It appears whole or not at all.',
  examples: [
    ['dimgx snapshot image.tar evidence', 'take a snapshot'],
    ['dimgx snapshot --zstd --case-number 26-113 --examiner "J. Doe" image.tar case', 'name the case, too'],
    ['dimgx verify evidence', 'check it'],
  ],
  operands: {
    name: 'IMAGE DIR',
    usage: 'IMAGE DIR',
    count: 'some',
    wanted: 'needs an image and a directory',
    names: 'file',
  },
  options: {
    'case-number': { ...examination, field: 'caseNumber', describe: 'number of the case' },
    'evidence-number': { ...examination, field: 'evidenceNumber', describe: 'number of the piece of evidence' },
    description: { ...examination, field: 'description', describe: 'what the image is' },
    examiner: { ...examination, field: 'examiner', describe: 'who takes the snapshot' },
    notes: { ...examination, field: 'notes', describe: 'anything else' },
    ...PATH_OPTIONS,
    ...COMPRESSION_OPTIONS,
    ...TREE_OPTIONS,
  },
  shared: [['Compression of the tars (default: gzip):', COMPRESSION_OPTIONS], ...TREE_GROUPS],
  json: 'print what snapshot.json says',
  async *run({ operands: [reference, directory, ...others], library }): AsyncIterable<Result> {
    if (directory === undefined || others.length > 0) throw usageError('snapshot needs an image and a directory');
    if (directory === '-') throw usageError('snapshot writes a directory, not standard output; "./-" names one');
    const facts = await snapshot(reference, directory, library);
    yield { text: () => '', json: () => facts };
    requireWhole(facts);
  },
});
