import prettyBytes from 'pretty-bytes';
import {
  type DimgxError,
  type HistoryEntry,
  type Image,
  type Layer,
  printable,
  type SelectOptions,
} from '../../index.js';
import { alignColumns, relativeTime } from './table.js';

/** A line of a listing. */
export interface ListingRow {
  readonly history: HistoryEntry;
  /** `undefined` for a step that carries only metadata. */
  readonly layer: Layer | undefined;
  /** ID of the layer, or of the image after a step that made no layer: hex digits, empty if the source knows none. */
  readonly id: string;
  /** ID of the next older row of the image that has an ID, whether that row is listed or not. */
  readonly parentId: string;
  readonly tags: readonly string[];
}

/**
 * The rows for the selected layers, in their order. Without specs, the steps that carry only metadata are included in
 * their places.
 */
export function listingRows(
  image: Image,
  selected: readonly Layer[],
  { layers, reverse }: SelectOptions,
): readonly ListingRow[] {
  let parentId = '';
  const oldestFirst = image.history.map(({ history, layer, imageId, tags }) => {
    const id = imageId ?? (layer ? layerId(layer) : '');
    const row: ListingRow = { history, layer, id, parentId, tags: tags ?? layer?.tags ?? [] };
    parentId = id || parentId;
    return row;
  });
  if (layers) {
    const rowOf = new Map(oldestFirst.map((row) => [row.layer, row]));
    return selected.flatMap((layer) => rowOf.get(layer) ?? []);
  }
  return reverse ? oldestFirst : oldestFirst.reverse();
}

/** The IDs of layers, a line for each that has one. */
export function formatIds(layers: readonly Layer[]): string {
  return layers
    .map(layerId)
    .filter((id) => id !== '')
    .map((id) => `${shortId(id)}\n`)
    .join('');
}

/** An ID in hex digits, shortened as engines show it. */
function shortId(id: string): string {
  return id.slice(0, 12);
}

/**
 * The full ID under which a layer is listed: hex digits, or empty if the source knows none. It is the ID of the image
 * whose newest layer this is, or else the ID under which old archives file the layer, the ID of the container whose
 * changes these are, the digest of its uncompressed bytes, or the digest of its stored bytes.
 */
export function layerId({ imageId, legacyId, containerId, diffId, digest }: Layer): string {
  const id = imageId ?? legacyId ?? containerId ?? diffId ?? digest ?? '';
  return id.slice(id.indexOf(':') + 1);
}

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
