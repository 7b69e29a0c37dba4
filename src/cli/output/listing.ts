import prettyBytes from 'pretty-bytes';
import { printable } from '../../base/text/printable.js';
import { shortId } from '../../base/text/short-id.js';
import type { DimgxError } from '../../errors.js';
import { alignColumns } from './align-columns.js';
import type { ListingRow } from './listing-rows.js';
import { relativeTime } from './relative-time.js';

const HEADINGS = ['REPO TAG', 'IMAGE ID', 'PARENT ID', 'CREATED', 'LAYER SIZE', 'VIRTUAL SIZE', 'CREATED BY'];

/** All lines are padded to the longest tag: a tag of megabytes must not be multiplied by their number. */
const LONGEST_TAG = 128;

export interface ListingOptions {
  /** The size of the row's layer, in bytes; `undefined` when it is not known, or the row has no layer. */
  readonly sizeOf: (row: ListingRow) => number | undefined;
  /** Why the row's layer cannot be read. */
  readonly problemOf?: (row: ListingRow) => DimgxError | undefined;
  readonly now: Date;
  /** Of a line, in characters; what is longer is cut. `undefined`: nothing is cut. */
  readonly columns: number | undefined;
}

/**
 * The table, every line with its end. The virtual size is, as in 2015, that of a row's layer and of all that are listed
 * below it. Whatever comes from the image is made printable.
 */
export function formatListing(
  rows: readonly ListingRow[],
  { sizeOf, problemOf, now, columns }: ListingOptions,
): string {
  let virtual = 0;
  const below = rows.toReversed().map((row) => {
    const size = sizeOf(row);
    const problem = problemOf?.(row);
    virtual += size ?? 0;
    return cells(row, { size: size ?? (problem ? undefined : 0), virtual, problem }, now);
  });
  const table = [HEADINGS, ...below.reverse()];
  return alignColumns(table)
    .map((line) => `${cut(line, columns)}\n`)
    .join('');
}

/** What stands in a row beside what its step tells. */
interface RowSizes {
  readonly size: number | undefined;
  readonly virtual: number;
  readonly problem: DimgxError | undefined;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function cells(
  { history, layer, id, parentId, tags }: ListingRow,
  { size, virtual, problem }: RowSizes,
  now: Date,
): readonly string[] {
  return [
    printable(tags[0]?.replace(/:latest$/, '') ?? '-', LONGEST_TAG),
    shortId(id) || (layer ? '-' : '<missing>'),
    shortId(parentId) || '-',
    relativeTime(history.created, now),
    size === undefined ? '-' : prettyBytes(size),
    prettyBytes(virtual),
    printable(oneLine(`${problem ? `[${problem.code}: ${problem.message}] ` : ''}${history.createdBy ?? ''}`)),
  ];
}

function cut(line: string, columns: number | undefined): string {
  const characters = [...line];
  return columns === undefined || characters.length <= columns ? line : `${characters.slice(0, columns - 1).join('')}…`;
}
