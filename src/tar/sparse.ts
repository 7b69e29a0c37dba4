import { DimgxError } from '../errors.js';
import { BLOCK, FIELD, padded } from './header.js';
import { parseNumber } from './number.js';
import { latin1, MAX_EXTENSION, type PaxRecord, paxInteger } from './pax.js';

/** Stretches of a sparse file that hold data: alternating offsets and lengths. */
type SparseMap = readonly number[];

const NEWLINE = 0x0a;
const PAIR = 24;
const PAIRS_PER_BLOCK = 21;
const EXTENSION_MARK = 504;

function refuse(what: string): never {
  throw new DimgxError('DIMGX_TAR_BAD_SPARSE', `the map of a sparse file ${what}`);
}

/**
 * Checks a map. Readers read as much as the map says; if that is not the stored size, they mistake contents for
 * headers.
 *
 * @param stored size of the contents in bytes, without a map at their start
 * @returns how readers interpret the map: `alike`; `unaligned`, where GNU tar reads each stretch from the next whole
 *   block and Go from the next byte; or `short`, where GNU tar ends the file at the end of the last stretch
 * @throws DIMGX_TAR_BAD_SPARSE if stretches overlap, go backwards, leave the file, or do not add up to `stored`
 */
export function checkSparseMap(map: SparseMap, realSize: number, stored: number): 'alike' | 'unaligned' | 'short' {
  if (map.length % 2 !== 0) refuse('ends in the middle of a pair');
  if (realSize < 0) refuse('belongs to a file of negative size');
  let previous = 0;
  let held = 0;
  let isAligned = true;
  for (let i = 0; i < map.length; i += 2) {
    const offset = map[i] as number;
    const length = map[i + 1] as number;
    if (offset < previous || length < 0 || offset + length > realSize) refuse('is out of order or exceeds the file');
    if (length > 0 && held % BLOCK !== 0) isAligned = false;
    held += length;
    previous = offset + length;
  }
  if (held !== stored) refuse('does not fit its contents');
  if (!isAligned) return 'unaligned';
  return previous === realSize ? 'alike' : 'short';
}

/**
 * Reads the map of an old GNU sparse entry from its header and the extension blocks after it. After a block that is not
 * full, GNU tar looks for no extension block, but Go's reader does. One would take for a header what the other takes
 * for contents, so such a map is rejected.
 *
 * @returns the map and the size of its header blocks in bytes, or the number of bytes needed
 */
export function oldSparseMap(bytes: Uint8Array, header: number): { map: number[]; length: number } | { need: number } {
  const map: number[] = [];
  let isFull = readPairs(bytes, header + FIELD.gnuSparse.offset, FIELD.gnuSparse.length / PAIR, map);
  let length = BLOCK;
  let extended = bytes[header + FIELD.gnuIsExtended.offset] !== 0;
  while (extended) {
    if (!isFull) refuse('continues after its end');
    if (length > MAX_EXTENSION) refuse('is too long');
    if (header + length + BLOCK > bytes.length) return { need: length + BLOCK };
    isFull = readPairs(bytes, header + length, PAIRS_PER_BLOCK, map);
    extended = bytes[header + length + EXTENSION_MARK] !== 0;
    length += BLOCK;
  }
  return { map, length };
}

/** @returns whether all pairs are in use */
function readPairs(bytes: Uint8Array, offset: number, count: number, map: number[]): boolean {
  for (let i = 0; i < count; i++) {
    const at = offset + i * PAIR;
    const half = at + PAIR / 2;
    // Go's reader ends a map at a missing offset, GNU tar at a missing length.
    if ((bytes[at] === 0) !== (bytes[half] === 0)) refuse('ends with half a pair');
    if (bytes[at] === 0) return false;
    map.push(parseNumber(bytes, at, PAIR / 2, 'sparse'), parseNumber(bytes, half, PAIR / 2, 'sparse'));
  }
  return true;
}

/**
 * Reads the map at the start of the contents: decimal numbers, one per line, preceded by the number of pairs (PAX 1.0).
 *
 * @param bytes as much of the contents as is available
 * @returns the map and its size in bytes, rounded up to whole blocks; `more` if more bytes are needed
 */
export function headSparseMap(bytes: Uint8Array): { map: number[]; length: number } | 'more' {
  const numbers: number[] = [];
  let at = 0;
  while (numbers.length === 0 || numbers.length < 1 + 2 * (numbers[0] as number)) {
    if (at > MAX_EXTENSION) refuse('is too long');
    const end = bytes.indexOf(NEWLINE, at);
    if (end < 0) return bytes.length - at > 20 ? refuse('contains something that is not a number') : 'more';
    numbers.push(sparseNumber(bytes.subarray(at, end)));
    at = end + 1;
  }
  return { map: numbers.slice(1), length: padded(at) };
}

/** @throws DIMGX_TAR_BAD_SPARSE */
function sparseNumber(text: Uint8Array): number {
  return /^[0-9]{1,19}$/.test(latin1(text)) ? Number(latin1(text)) : refuse('contains something that is not a number');
}

/** Description of a sparse file from its PAX records. Source: GNU tar manual, "Sparse Formats"; Go's archive/tar. */
export interface PaxSparse {
  /** Where the map is: in the records (0.0, 0.1), or at the start of the contents (1.0). */
  readonly format: 'records' | 'head';
  /** In bytes, including holes. */
  readonly realSize: number | undefined;
  readonly name: Uint8Array | undefined;
}

const PREFIX = 'GNU.sparse.';

/**
 * @returns `undefined` if there are no sparse-file records; `unknown` if there are some, but the engines' reader does
 *   not take the entry for a sparse file
 * @throws DIMGX_TAR_BAD_PAX
 */
export function paxSparseFormat(records: readonly PaxRecord[]): PaxSparse | { readonly format: 'unknown' } | undefined {
  if (!records.some(({ key }) => key.startsWith(PREFIX))) return undefined;
  const format = formatOf(records);
  if (format === undefined) return { format: 'unknown' };
  const size = lastValue(records, 'size') ?? lastValue(records, 'realsize');
  const realSize = size && paxInteger(size, 'the real size of a sparse file');
  return { format, realSize, name: lastValue(records, 'name') };
}

/** The first versions of the format did not record their version. */
function formatOf(records: readonly PaxRecord[]): PaxSparse['format'] | undefined {
  const number = (name: string) => latin1(lastValue(records, name) ?? new Uint8Array(0));
  const version = `${number('major')}.${number('minor')}`;
  if (version === '1.0') return 'head';
  if (version === '0.0' || version === '0.1') return 'records';
  const hasMap = records.some(({ key }) => key === 'GNU.sparse.offset') || lastValue(records, 'map') !== undefined;
  return version === '.' && hasMap ? 'records' : undefined;
}

/** The last record wins; an empty one counts as absent. */
function lastValue(records: readonly PaxRecord[], name: string): Uint8Array | undefined {
  const value = records.findLast(({ key }) => key === PREFIX + name)?.value;
  return value && value.length > 0 ? value : undefined;
}

/**
 * Parses the map in the records: `GNU.sparse.map` (0.1), or alternating `offset` and `numbytes` (0.0). A further record
 * holds the number of pairs.
 *
 * @throws DIMGX_TAR_BAD_SPARSE, DIMGX_TAR_BAD_PAX
 */
export function paxSparseMap(records: readonly PaxRecord[]): number[] {
  const pairs = records.filter(({ key }) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes');
  const isInTurn = pairs.every(({ key }, i) => (i % 2 === 0) === (key === 'GNU.sparse.offset'));
  if (!isInTurn)
    throw new DimgxError('DIMGX_TAR_BAD_SPARSE', 'the map of a sparse file has a length before its offset');
  const joined = lastValue(records, 'map');
  if (joined && pairs.length > 0) throw new DimgxError('DIMGX_TAR_BAD_SPARSE', 'a sparse file has two maps');
  const texts = joined ? latin1(joined).split(',') : pairs.map(({ value }) => latin1(value));
  const count = paxInteger(lastValue(records, 'numblocks') ?? new Uint8Array(0), 'the count of a sparse map');
  if (texts.length !== 2 * count) {
    throw new DimgxError('DIMGX_TAR_BAD_SPARSE', 'the map of a sparse file does not have its declared length');
  }
  return texts.map((text) => sparseNumber(Buffer.from(text, 'latin1')));
}
