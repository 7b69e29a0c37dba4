import { crc32 } from 'node:zlib';
import * as v from 'valibot';
import { tryParseJson } from '../base/text/go-json.js';
import { WARNINGS, type WarningCode } from '../errors.js';
import type { StoredLayer } from '../image/layer.js';
import type { Digest } from '../reference/digest.js';
import type { EntryColumns } from './entry-table.js';
import type { LayerContents } from './layer-index.js';

/** Identifies the layer of an index by the digests of its stored and its uncompressed bytes. */
export interface LayerKey {
  readonly digest: Digest;
  readonly diffId: Digest;
}

/**
 * Version of the file format and of its contents. Raise it when either changes, including when the scan of a layer
 * finds other flags, names or warnings in the same bytes. A file of another version is rewritten.
 */
export const INDEX_VERSION = 9;

const MAGIC = Buffer.from('dimgxIDX');
/** Reads as a different number on a machine with another byte order. */
const BYTE_ORDER = 0x01020304;
/**
 * Size of the magic bytes and five numbers: byte order, version, length of the description, count of entries, length of
 * the names.
 */
const HEAD = MAGIC.length + 5 * 4;
const CHECKSUM = 4;

/** Columns in stored order: widest first, so that each one is aligned. */
const COLUMNS = {
  start: Float64Array,
  end: Float64Array,
  size: Float64Array,
  uid: Float64Array,
  gid: Float64Array,
  mtime: Float64Array,
  headerLength: Uint32Array,
  dataLength: Uint32Array,
  linkStart: Uint32Array,
  nameEnd: Uint32Array,
  mtimeNanos: Uint32Array,
  flags: Uint32Array,
  mode: Uint16Array,
  type: Uint8Array,
  names: Uint8Array,
} as const satisfies { readonly [K in keyof Omit<EntryColumns, 'length'>]: unknown };

type ColumnName = keyof typeof COLUMNS;
const COLUMN_NAMES = Object.keys(COLUMNS) as ColumnName[];

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const WarningSchema = v.object({
  code: v.picklist(Object.keys(WARNINGS) as WarningCode[]),
  message: v.string(),
  count: Count,
});

const DescriptionSchema = v.object({
  digest: v.string(),
  diffId: v.string(),
  length: Count,
  contentSize: Count,
  spentBytes: Count,
  decoderMemory: Count,
  warnings: v.array(WarningSchema),
  windowsRecords: v.optional(WarningSchema),
  isForWindows: v.boolean(),
});

type KeptLayer = Pick<StoredLayer, 'digest' | 'diffId' | 'keeper'>;

/** Saves the index of a layer whose bytes match both digests, if the layer's source keeps anything. */
export async function keepIndex({ digest, diffId, keeper }: KeptLayer, contents: LayerContents): Promise<void> {
  if (keeper && digest && diffId) await keeper.save(encodeLayerIndex({ digest, diffId }, contents));
}

/**
 * Loads the saved index of a layer. It must be undamaged, of this version, and of exactly this layer.
 *
 * @param load default: that of the layer's keeper
 */
export async function keptIndex(
  { digest, diffId, keeper }: KeptLayer,
  load = keeper?.load,
): Promise<LayerContents | undefined> {
  const bytes = digest && diffId && (await load?.());
  // `load` declares a plain `Uint8Array`, because only TypeScript 5.7 and later know its type parameter. The memory is
  // never shared.
  return bytes && decodeLayerIndex(bytes as Uint8Array<ArrayBuffer>, { digest, diffId });
}

/** The parts of the file, in order. Columns are not copied. */
export function encodeLayerIndex({ digest, diffId }: LayerKey, contents: LayerContents): readonly Uint8Array[] {
  const { columns, ...facts } = contents;
  const description = padded(JSON.stringify({ digest, diffId, ...facts }));
  const head = Buffer.concat([
    MAGIC,
    bytesOf(Uint32Array.of(BYTE_ORDER, INDEX_VERSION, description.length, columns.length, columns.names.length)),
  ]);
  const parts = [head, description, ...COLUMN_NAMES.map((name) => bytesOf(columns[name]))];
  // For empty input, zlib returns 0 whatever the previous checksum.
  const checksum = parts.reduce((sum, part) => (part.length === 0 ? sum : crc32(part, sum)), 0);
  return [...parts, bytesOf(Uint32Array.of(checksum))];
}

/**
 * Columns are views of the bytes: nothing is copied.
 *
 * @returns `undefined` if the file is damaged, of another version, or of another layer
 */
export function decodeLayerIndex(
  file: Uint8Array<ArrayBuffer>,
  { digest, diffId }: LayerKey,
): LayerContents | undefined {
  const bytes = file.byteOffset % 8 === 0 ? file : Uint8Array.from(file);
  if (bytes.length < HEAD + CHECKSUM || !MAGIC.equals(bytes.subarray(0, MAGIC.length))) return undefined;
  const [order, version, described = 0, rows = 0, names = 0] = new Uint32Array(
    bytes.buffer,
    bytes.byteOffset + MAGIC.length,
    5,
  );
  if (order !== BYTE_ORDER || version !== INDEX_VERSION) return undefined;
  if (bytes.length !== HEAD + described + sizeOfColumns(rows, names) + CHECKSUM) return undefined;
  const end = bytes.length - CHECKSUM;
  const checksum = Buffer.from(bytes.subarray(end));
  if (!checksum.equals(bytesOf(Uint32Array.of(crc32(bytes.subarray(0, end)))))) return undefined;
  const parsed = v.safeParse(
    DescriptionSchema,
    tryParseJson(Buffer.from(bytes.subarray(HEAD, HEAD + described)).toString()),
  );
  if (!parsed.success || parsed.output.digest !== digest || parsed.output.diffId !== diffId) return undefined;
  const { digest: _, diffId: __, ...facts } = parsed.output;
  return { ...facts, columns: columnsIn(bytes, HEAD + described, rows, names) };
}

function columnsIn(bytes: Uint8Array<ArrayBuffer>, from: number, rows: number, names: number): EntryColumns {
  let at = bytes.byteOffset + from;
  const views = COLUMN_NAMES.map((name) => {
    const count = name === 'names' ? names : rows;
    const view = new COLUMNS[name](bytes.buffer, at, count);
    at += view.byteLength;
    return [name, view] as const;
  });
  return { length: rows, ...Object.fromEntries(views) } as unknown as EntryColumns;
}

function sizeOfColumns(rows: number, names: number): number {
  return COLUMN_NAMES.reduce(
    (sum, name) => sum + COLUMNS[name].BYTES_PER_ELEMENT * (name === 'names' ? names : rows),
    0,
  );
}

/** Pads the text with spaces so that the columns after it are aligned. */
function padded(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([bytes, Buffer.alloc((8 - ((HEAD + bytes.length) % 8)) % 8, ' ')]);
}

function bytesOf(column: ArrayBufferView): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}
