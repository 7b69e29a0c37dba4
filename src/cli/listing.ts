import prettyBytes from 'pretty-bytes';
import { printable } from '../image/printable.js';
import { shortId } from '../image/short-id.js';
import { alignColumns } from './align-columns.js';
import type { ListingRow } from './listing-rows.js';
import { relativeTime } from './relative-time.js';

const HEADINGS = ['REPO TAG', 'IMAGE ID', 'PARENT ID', 'CREATED', 'LAYER SIZE', 'VIRTUAL SIZE', 'CREATED BY'];

/** All lines are padded to the longest tag: a tag of megabytes must not be multiplied by their number. */
const LONGEST_TAG = 128;

export interface ListingOptions {
  /** Of one row's layer, in bytes. */
  readonly sizeOf: (row: ListingRow) => number;
  readonly now: Date;
  /** Of a line, in characters; what is longer is cut. `undefined`: nothing is cut. */
  readonly columns: number | undefined;
}

/**
 * The table, every line with its end. The virtual size is, as in 2015, that of a row's layer and of all that are listed
 * below it. Whatever comes from the image is made printable.
 */
export function formatListing(rows: readonly ListingRow[], { sizeOf, now, columns }: ListingOptions): string {
  let virtual = 0;
  const below = rows.toReversed().map((row) => {
    virtual += sizeOf(row);
    return cells(row, sizeOf(row), virtual, now);
  });
  const table = [HEADINGS, ...below.reverse()];
  return alignColumns(table)
    .map((line) => `${cut(line, columns)}\n`)
    .join('');
}

function cells(
  { history, layer, id, parentId, tags }: ListingRow,
  size: number,
  virtual: number,
  now: Date,
): readonly string[] {
  return [
    printable(tags[0]?.replace(/:latest$/, '') ?? '-', LONGEST_TAG),
    shortId(id) || (layer ? '-' : '<missing>'),
    shortId(parentId) || '-',
    relativeTime(history.created, now),
    prettyBytes(size),
    prettyBytes(virtual),
    printable((history.createdBy ?? '').replace(/\s+/g, ' ').trim()),
  ];
}

function cut(line: string, columns: number | undefined): string {
  const characters = [...line];
  return columns === undefined || characters.length <= columns ? line : `${characters.slice(0, columns - 1).join('')}…`;
}
