import { DimgxError } from '../errors.js';
import { type EntryDraft, QUIRK, type TarEntry } from './entry.js';
import { BLOCK, dialectOf, FIELD, isStar, isZeroBlock, padded, TYPE, textField } from './header.js';
import { isLedByNul, parseNumber } from './number.js';
import { isSigned, MAX_EXTENSION, type PaxRecord, parsePax, paxInteger, paxOwner, paxTime } from './pax.js';
import { isEscaped, isLost, isPortable, isWindowsRecord } from './portable-record.js';
import { checkSum, readHeader } from './read-header.js';
import {
  checkSparseMap,
  headSparseMap,
  oldSparseMap,
  type PaxSparse,
  paxSparseFormat,
  paxSparseMap,
} from './sparse.js';

const NO_RECORDS: readonly PaxRecord[] = [];

/** Types without contents, whatever their size field says. Source: Go's archive/tar, isHeaderOnly. */
export const HEADER_ONLY: ReadonlySet<number> = new Set([
  TYPE.hardLink,
  TYPE.symlink,
  TYPE.charDevice,
  TYPE.blockDevice,
  TYPE.directory,
  TYPE.fifo,
]);

/**
 * Result of `decodeEntry`: a whole entry, extensions that belong to no entry, or a request for more bytes. The archive
 * may end before an extension's padding does, but not before `bodyEnd`.
 */
export type Decoded = 'entry' | 'extensions' | { readonly need: number; readonly bodyEnd?: number };

/**
 * How strict decoding is. In a layer, anything the engines would not unpack is rejected. From an archive around an
 * image, only a few members are needed: entries of other types are passed on as they are, and maps of PAX sparse files
 * are not checked, because they do not affect where the next entry begins.
 */
export type TarRules = 'layer' | 'archive';

/**
 * Maximum total size of one entry's extensions, in bytes: room for one of each kind and more. Longer ones are never
 * buffered.
 */
const MAX_EXTENSIONS = 4 * MAX_EXTENSION;

interface Extension {
  readonly type: number;
  readonly body: Uint8Array;
}

/**
 * Decodes one entry: its extensions (PAX, GNU long name and link) and its own header. Source of all rules: POSIX.1-2017
 * pax, GNU tar, and where they differ Go's archive/tar, which the engines use.
 *
 * @param at index in `bytes` of the first header block, which must be complete and not all zeros
 * @param base added to an index into `bytes` to get an offset in the archive
 * @param entry filled in place
 * @param rules default `layer`
 * @returns `extensions` when the extensions end at a global PAX header or at the end mark: they have no effect;
 *   `entry.pax` holds their records, and `entry.end` is the offset after them. `need` counts bytes from `at`. When
 *   another header is needed, `entry.end` is its offset
 * @throws DIMGX_TAR_BAD_HEADER, DIMGX_TAR_BAD_PAX, DIMGX_TAR_BAD_SPARSE, DIMGX_TAR_UNKNOWN_TYPE
 */
export function decodeEntry(
  bytes: Uint8Array,
  at: number,
  base: number,
  entry: TarEntry,
  rules: TarRules = 'layer',
): Decoded {
  const draft: EntryDraft = entry;
  draft.start = base + at;
  draft.quirks = 0;
  draft.pax = NO_RECORDS;
  let extensions: Extension[] | undefined;
  let header = at;
  for (;;) {
    draft.end = base + header;
    if (header + BLOCK > bytes.length) return { need: header + BLOCK - at };
    if (header > at && isZeroBlock(bytes, header)) return strayExtensions(extensions ?? [], draft);
    checkSum(bytes, header);
    const type = bytes[header + FIELD.type.offset] as number;
    if (type !== TYPE.pax && type !== TYPE.longName && type !== TYPE.longLink && type !== TYPE.paxGlobal) break;
    const size = parseNumber(bytes, header + FIELD.size.offset, FIELD.size.length, 'size');
    if (isLedByNul(bytes, header + FIELD.size.offset, FIELD.size.length)) draft.quirks |= QUIRK.number;
    if (size < 0 || size > MAX_EXTENSION) {
      throw new DimgxError('DIMGX_TAR_BAD_PAX', `an extension header is ${size} bytes long, over ${MAX_EXTENSION}`);
    }
    const bodyEnd = header + BLOCK + size;
    const next = header + BLOCK + padded(size);
    if (next - at > MAX_EXTENSIONS) {
      throw new DimgxError('DIMGX_TAR_BAD_PAX', `the extension headers of an entry take over ${MAX_EXTENSIONS} bytes`);
    }
    if (next > bytes.length) return { need: next - at, bodyEnd: bodyEnd - at };
    extensions ??= [];
    extensions.push({ type, body: bytes.subarray(header + BLOCK, bodyEnd) });
    header = next;
    if (type === TYPE.paxGlobal) {
      draft.end = base + next;
      return strayExtensions(extensions, draft);
    }
  }
  readHeader(bytes, header, base, draft);
  if (extensions) applyExtensions(extensions, draft);
  settleType(draft, bytes[header + FIELD.type.offset] as number, rules);
  for (const record of draft.pax) draft.quirks |= oddityOf(record, draft.type);
  const need = settleSize(bytes, header, draft, rules);
  return need === undefined ? 'entry' : { need: header - at + need };
}

function oddityOf(record: PaxRecord, type: number): number {
  if (NUMBERS.has(record.key) && isSigned(record.value)) return QUIRK.number;
  if (isPortable(record, type)) return isEscaped(record) ? QUIRK.escapedXattr : 0;
  if (isWindowsRecord(record)) return QUIRK.windowsRecord;
  return isLost(record) ? QUIRK.record | QUIRK.lostRecord : QUIRK.record;
}

/** Extensions without an entry have no effect, but are parsed anyway: the engines also reject malformed ones. */
function strayExtensions(extensions: readonly Extension[], draft: EntryDraft): 'extensions' {
  const isPax = ({ type }: Extension) => type === TYPE.pax || type === TYPE.paxGlobal;
  draft.pax = extensions.filter(isPax).flatMap(({ body }) => parsePax(body));
  return 'extensions';
}

/**
 * Applies extensions. The last one of each kind wins; a GNU long name beats PAX. An empty one leaves the header's
 * value.
 */
function applyExtensions(extensions: readonly Extension[], draft: EntryDraft): void {
  const hadLink = draft.link.length > 0;
  if (new Set(extensions.map(({ type }) => type)).size < extensions.length) draft.quirks |= QUIRK.extensions;
  for (const { type, body } of extensions) if (type === TYPE.pax) draft.pax = parsePax(body);
  if (draft.pax !== NO_RECORDS) applyPax(draft);
  override(draft, 'name', lastBody(extensions, TYPE.longName), 'path');
  override(draft, 'link', lastBody(extensions, TYPE.longLink), 'linkpath');
  if (!hadLink && draft.link.length > 0) draft.quirks |= QUIRK.extensions;
}

function lastBody(extensions: readonly Extension[], type: number): Uint8Array | undefined {
  return extensions.findLast((extension) => extension.type === type)?.body;
}

function override(draft: EntryDraft, field: 'name' | 'link', body: Uint8Array | undefined, key: string): void {
  if (body === undefined) return;
  const text = textField(body, 0, body.length);
  if (text.length > 0) draft[field] = text;
  if (text.length === 0 || draft.pax.some((record) => record.key === key)) draft.quirks |= QUIRK.extensions;
}

/**
 * Applies PAX records, which override the header. The last record of a key wins; an empty value leaves the header's.
 */
function applyPax(draft: EntryDraft): void {
  if (draft.pax.some(({ key, value }) => value.length === 0 && OVERRIDES.has(key))) draft.quirks |= QUIRK.emptyOverride;
  for (const key of OVERRIDES) {
    const value = draft.pax.findLast((record) => record.key === key)?.value;
    if (value === undefined || value.length === 0) continue;
    if (key === 'path') draft.name = value;
    else if (key === 'linkpath') draft.link = value;
    else if (key === 'size') draft.size = paxInteger(value, key);
    else if (key === 'uid') draft.uid = paxOwner(value, key);
    else if (key === 'gid') draft.gid = paxOwner(value, key);
    else {
      const { seconds, nanos } = paxTime(value, key);
      if (key !== 'mtime') continue;
      draft.mtime = seconds;
      draft.mtimeNanos = nanos;
    }
  }
}

const NUMBERS: ReadonlySet<string> = new Set(['size', 'uid', 'gid']);

/** PAX keys that override header fields. `atime` and `ctime` are listed only because readers reject malformed ones. */
const OVERRIDES: ReadonlySet<string> = new Set(['path', 'linkpath', 'size', 'uid', 'gid', 'mtime', 'atime', 'ctime']);

function settleType(draft: EntryDraft, type: number, rules: TarRules): void {
  draft.type = type;
  if (type === TYPE.oldFile) {
    const isDirectory = draft.name[draft.name.length - 1] === 0x2f;
    draft.type = isDirectory ? TYPE.directory : TYPE.file;
    if (isDirectory) draft.quirks |= QUIRK.type;
  } else if (type === TYPE.contiguous) {
    draft.type = TYPE.file;
    draft.quirks |= QUIRK.type | QUIRK.contiguous;
  } else if (type === TYPE.gnuSparse) {
    draft.type = TYPE.file;
    draft.quirks |= QUIRK.oldSparse;
  } else if (type !== TYPE.file && !HEADER_ONLY.has(type) && rules === 'layer') {
    const shown = type > 0x20 && type < 0x7f ? `"${String.fromCharCode(type)}"` : `0x${type.toString(16)}`;
    throw new DimgxError('DIMGX_TAR_UNKNOWN_TYPE', `an entry is of type ${shown}, which no engine unpacks`);
  }
}

/**
 * Sets the offset and length of the contents. Returns the number of bytes needed from the header on, if more are
 * needed.
 */
function settleSize(bytes: Uint8Array, header: number, draft: EntryDraft, rules: TarRules): number | undefined {
  const isCounted = !HEADER_ONLY.has(draft.type);
  if (draft.size < 0 || (isCounted && draft.size > Number.MAX_SAFE_INTEGER)) {
    throw new DimgxError('DIMGX_TAR_BAD_HEADER', 'the size of an entry is negative or too large');
  }
  const isOldSparse = (draft.quirks & QUIRK.oldSparse) !== 0;
  const sparse = draft.pax === NO_RECORDS ? undefined : paxSparseFormat(draft.pax);
  const paxSparse = sparse === undefined || sparse.format === 'unknown' || isOldSparse ? undefined : sparse;
  if (sparse && !paxSparse) draft.quirks |= QUIRK.straySparse;
  if (!isCounted) {
    if (paxSparse && rules === 'layer')
      throw new DimgxError('DIMGX_TAR_BAD_SPARSE', 'an entry that is not a file has the map of a sparse file');
    if (draft.size !== 0) draft.quirks |= QUIRK.number;
    draft.size = 0;
  }
  draft.dataSize = draft.size;
  draft.dataOffset = draft.headerOffset + BLOCK;
  draft.end = draft.dataOffset + padded(draft.dataSize);
  if (isOldSparse) return settleOldSparse(bytes, header, draft, rules);
  if (!paxSparse || rules === 'layer') return paxSparse && settlePaxSparse(bytes, header, draft, paxSparse);
  draft.quirks |= QUIRK.paxSparse;
  draft.size = paxSparse.realSize ?? draft.size;
  if (paxSparse.name) draft.name = paxSparse.name;
  return undefined;
}

function settleOldSparse(bytes: Uint8Array, header: number, draft: EntryDraft, rules: TarRules): number | undefined {
  if (dialectOf(bytes, header) !== 'gnu')
    throw new DimgxError('DIMGX_TAR_BAD_SPARSE', "sparse files in star's format are not supported");
  const sparse = oldSparseMap(bytes, header);
  draft.end = draft.headerOffset;
  if ('need' in sparse) return sparse.need;
  draft.size = parseNumber(bytes, header + FIELD.gnuRealSize.offset, FIELD.gnuRealSize.length, 'real size');
  // No engine unpacks such a file, and GNU tar, which defined the format, never writes one.
  if (rules === 'layer' && checkSparseMap(sparse.map, draft.size, draft.dataSize) === 'unaligned') {
    throw new DimgxError(
      'DIMGX_TAR_BAD_SPARSE',
      'the map of a sparse file has a region that does not begin on a block',
    );
  }
  draft.dataOffset = draft.headerOffset + sparse.length;
  draft.end = draft.dataOffset + padded(draft.dataSize);
  return undefined;
}

/**
 * GNU tar recognizes a PAX sparse file only under a POSIX header. Otherwise it takes the real size for the stored size.
 */
function settlePaxSparse(
  bytes: Uint8Array,
  header: number,
  draft: EntryDraft,
  { format, realSize, name }: PaxSparse,
): number | undefined {
  draft.quirks |= QUIRK.paxSparse;
  if (dialectOf(bytes, header) !== 'ustar' || isStar(bytes, header)) draft.quirks |= QUIRK.sparseMap;
  draft.size = realSize ?? draft.size;
  if (name) draft.name = name;
  if (format === 'records') {
    noteMap(draft, paxSparseMap(draft.pax), draft.dataSize);
    return undefined;
  }
  const head = bytes.subarray(header + BLOCK, header + BLOCK + draft.dataSize);
  const sparse = headSparseMap(head);
  if (sparse !== 'more') {
    noteMap(draft, sparse.map, draft.dataSize - sparse.length);
    return undefined;
  }
  if (head.length === draft.dataSize) {
    throw new DimgxError('DIMGX_TAR_BAD_SPARSE', 'the map of a sparse file is longer than its contents');
  }
  // Double the request each time. The map is parsed from its start on each attempt, so asking block by block would
  // parse it once per block.
  return BLOCK + Math.min(draft.dataSize, 2 * head.length + 16 * BLOCK);
}

function noteMap(draft: EntryDraft, map: readonly number[], stored: number): void {
  if (checkSparseMap(map, draft.size, stored) !== 'alike') draft.quirks |= QUIRK.sparseMap;
}
