import { type VerifyResult, verify } from '../../index.js';
import { flag } from '../options/option-row.js';
import { VERIFY_GROUPS, VERIFY_OPTIONS } from '../options/option-table.js';
import { defineCommand, type Result } from './command.js';

export const verifyCommand = defineCommand({
  describe:
    'Checks a snapshot: each file against the manifests of its bag, and then whether its records say what is in its tars. Of any other bag (BagIt, RFC 8493) only the files are checked. Of an image, each digest, size and diff ID is checked. One thing that is wrong does not keep the others from being checked; the exit code is then 2.',
  examples: [
    ['dimgx verify evidence', 'check a snapshot'],
    ['dimgx verify image.tar', 'check each digest, size and diff ID of an image'],
    ['dimgx verify -q docker://debian:12', 'print only what is wrong'],
  ],
  operands: { name: 'DIR|IMAGE', count: 'one', wanted: 'needs one directory or image', names: 'file' },
  options: { quiet: { ...flag, alias: 'q', describe: 'print only what is wrong' }, ...VERIFY_OPTIONS },
  shared: VERIFY_GROUPS,
  json: 'print a JSON object a line',
  async *run({ operands: [target], given: { quiet }, library }): AsyncIterable<Result> {
    for await (const result of verify(target, library)) {
      if (!(quiet && result.ok)) yield { text: () => lineOf(result), jsonLines: () => [result] };
    }
  },
});

function lineOf({ subject, claim, value, ok, problem }: VerifyResult): string {
  if (!ok) return `BAD ${subject}: ${problem}\n`;
  const what = { file: '', record: ' agrees with the rest', digest: ' digest', size: ' size', diffId: ' diff ID' }[
    claim
  ];
  return `ok  ${subject}${what}${value === undefined ? '' : ` ${value}`}\n`;
}
