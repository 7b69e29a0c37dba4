import { DimgxError } from '../errors.js';
import { latin1, type PaxRecord, paxInteger } from './pax.js';
import { sparseNumber } from './sparse.js';

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
    throw new DimgxError('DIMGX_TAR_BAD_SPARSE', 'the map of a sparse file is not as long as it says');
  }
  return texts.map((text) => sparseNumber(Buffer.from(text, 'latin1')));
}
