import prettyBytes from 'pretty-bytes';
import { printable, shortId } from '../../base/text/printable.js';
import type { DimgxError } from '../../errors.js';
import { alignColumns } from './align-columns.js';
import type { ListingRow } from './listing-rows.js';
import { relativeTime } from './relative-time.js';

const HEADINGS = ['REPO TAG', 'IMAGE ID', 'PARENT ID', 'CREATED', 'LAYER SIZE', 'VIRTUAL SIZE', 'CREATED BY'];

/** In characters. A tag can be megabytes long, and every line is padded to the longest. */
const LONGEST_TAG = 128;

export interface ListingOptions {
  /** Size of the row's layer, in bytes; `undefined` if it is unknown or the row has no layer. */
  readonly sizeOf: (row: ListingRow) => number | undefined;
  /** Why the row's layer cannot be read. */
  readonly problemOf?: (row: ListingRow) => DimgxError | undefined;
  readonly now: Date;
  /** Width of a line, in characters; longer lines are cut. `undefined`: nothing is cut. */
  readonly columns: number | undefined;
}

/**
 * The table, each line with its line end. As in 2015, the virtual size of a row is the size of its layer plus the sizes
 * of all layers listed below it. All text from the image is made printable.
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

/** What a row shows in addition to its step of the history. */
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
