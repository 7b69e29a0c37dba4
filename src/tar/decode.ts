import { DimgxError } from '../errors.js';
import { BLOCK, isZeroBlock, padded } from './block.js';
import { type Metadata, ODD, type TarEntry } from './entry.js';
import { checksum, dialectOf, FIELD, signedChecksum, TYPE, textField } from './header.js';
import { parseNumber } from './number.js';
import { latin1, MAX_EXTENSION, type PaxRecord, parsePax, paxInteger, paxTime } from './pax.js';
import { checkSparseMap, headSparseMap, oldSparseMap, paxSparseMap } from './sparse.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Mutable<TarEntry>;

const EMPTY = new Uint8Array(0);
const NO_RECORDS: readonly PaxRecord[] = [];

/** Types that have no contents whatever their size field says. Source: Go's archive/tar, isHeaderOnly. */
const HEADER_ONLY: ReadonlySet<number> = new Set([
  TYPE.hardLink,
  TYPE.symlink,
  TYPE.charDevice,
  TYPE.blockDevice,
  TYPE.directory,
  TYPE.fifo,
]);

/** An entry to be filled by `decodeEntry`. */
export function emptyEntry(): TarEntry {
  const metadata: Metadata = { mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNanos: 0 };
  const offsets = { start: 0, headerOffset: 0, dataOffset: 0, dataSize: 0, end: 0 };
  const device = { deviceMajor: 0, deviceMinor: 0 };
  return { ...metadata, ...offsets, ...device, size: 0, type: 0, name: EMPTY, link: EMPTY, odd: 0, pax: NO_RECORDS };
}

/** What `decodeEntry` came to: a whole entry, extensions that belong to none, or the need for more bytes. */
export type Decoded = 'entry' | 'extensions' | { readonly need: number };

/**
 * Reads one entry: its extensions (PAX, GNU long name and link) and its own header. Source of all rules: POSIX.1-2017
 * pax, GNU tar, and where they differ Go's archive/tar, which the engines use.
 *
 * @param at where in `bytes` the first header block lies; the block is there whole and is not zero
 * @param base what to add to an index of `bytes` to get an offset in the archive
 * @param entry is filled
 * @returns `extensions` when they end at a global PAX header or at the end mark: they count for nothing, and
 *   `entry.end` lies behind them; `need` counts bytes from `at`. Where another header is needed, `entry.end` is its place
 * @throws DIMGX_TAR_BAD_HEADER, DIMGX_TAR_BAD_PAX, DIMGX_TAR_BAD_SPARSE, DIMGX_TAR_UNKNOWN_TYPE
 */
export function decodeEntry(bytes: Uint8Array, at: number, base: number, entry: TarEntry): Decoded {
  const draft: Draft = entry;
  draft.start = base + at;
  draft.odd = 0;
  draft.pax = NO_RECORDS;
  let longName: Uint8Array | undefined;
  let longLink: Uint8Array | undefined;
  let header = at;
  for (;;) {
    draft.end = base + header;
    if (header + BLOCK > bytes.length) return { need: header + BLOCK - at };
    if (header > at && isZeroBlock(bytes, header)) return 'extensions';
    checkSum(bytes, header);
    const type = bytes[header + FIELD.type.offset] as number;
    if (type !== TYPE.pax && type !== TYPE.longName && type !== TYPE.longLink && type !== TYPE.paxGlobal) break;
    const size = parseNumber(bytes, header + FIELD.size.offset, FIELD.size.length, 'size');
    if (size < 0 || size > MAX_EXTENSION) {
      throw new DimgxError('DIMGX_TAR_BAD_PAX', `an extension header is ${size} bytes long, over ${MAX_EXTENSION}`);
    }
    const next = header + BLOCK + padded(size);
    if (next > bytes.length) return { need: next - at };
    const body = bytes.subarray(header + BLOCK, header + BLOCK + size);
    if (type === TYPE.paxGlobal) {
      parsePax(body);
      draft.end = base + next;
      return 'extensions';
    }
    if (type === TYPE.pax) {
      if (draft.pax !== NO_RECORDS) draft.odd |= ODD.extensions;
      draft.pax = parsePax(body);
    } else {
      if ((type === TYPE.longName ? longName : longLink) !== undefined) draft.odd |= ODD.extensions;
      const text = textField(body, 0, body.length);
      if (type === TYPE.longName) longName = text;
      else longLink = text;
    }
    header = next;
  }
  readHeader(bytes, header, base, draft);
  if (draft.pax !== NO_RECORDS) applyPax(draft);
  if (longName !== undefined) override(draft, 'name', longName, 'path');
  if (longLink !== undefined) override(draft, 'link', longLink, 'linkpath');
  settleType(draft, bytes[header + FIELD.type.offset] as number);
  const need = settleSize(bytes, header, draft);
  return need === undefined ? 'entry' : { need: header - at + need };
}

function checkSum(bytes: Uint8Array, header: number): void {
  const { offset, length } = FIELD.checksum;
  const claimed = parseNumber(bytes, header + offset, length, 'checksum');
  if (claimed === checksum(bytes, header) || claimed === signedChecksum(bytes, header)) return;
  throw new DimgxError('DIMGX_TAR_BAD_HEADER', 'the checksum of a tar header is wrong');
}

function readHeader(bytes: Uint8Array, header: number, base: number, draft: Draft): void {
  draft.headerOffset = base + header;
  draft.mode = numberField(bytes, header, 'mode') & 0o7777;
  draft.uid = numberField(bytes, header, 'uid');
  draft.gid = numberField(bytes, header, 'gid');
  draft.size = numberField(bytes, header, 'size');
  draft.mtime = numberField(bytes, header, 'mtime');
  draft.mtimeNanos = 0;
  const hasLink = bytes[header + FIELD.link.offset] !== 0;
  draft.link = hasLink ? textField(bytes, header + FIELD.link.offset, FIELD.link.length) : EMPTY;
  draft.name = textField(bytes, header + FIELD.name.offset, FIELD.name.length);
  const dialect = dialectOf(bytes, header);
  draft.deviceMajor = dialect === 'old' ? 0 : numberField(bytes, header, 'deviceMajor');
  draft.deviceMinor = dialect === 'old' ? 0 : numberField(bytes, header, 'deviceMinor');
  if (dialect === 'ustar') {
    draft.name = prefixed(bytes, header, draft.name);
  } else if (dialect === 'gnu' && hasTextForTimes(bytes, header)) {
    draft.name = prefixed(bytes, header, draft.name);
    draft.odd |= ODD.gnuPrefix;
  }
}

type NumberField = 'mode' | 'uid' | 'gid' | 'size' | 'mtime' | 'deviceMajor' | 'deviceMinor';

function numberField(bytes: Uint8Array, header: number, field: NumberField): number {
  const { offset, length } = FIELD[field];
  return parseNumber(bytes, header + offset, length, field);
}

function prefixed(bytes: Uint8Array, header: number, name: Uint8Array): Uint8Array {
  if (bytes[header + FIELD.prefix.offset] === 0) return name;
  const mark = header + FIELD.starMark.offset;
  const isStar = latin1(bytes.subarray(mark, mark + FIELD.starMark.length)) === 'tar\0';
  const { offset, length } = isStar ? FIELD.starPrefix : FIELD.prefix;
  return Buffer.concat([textField(bytes, header + offset, length), Buffer.from('/'), name]);
}

/** Go before 1.8 wrote long names into a GNU header as if it had a prefix; its readers have known since. */
function hasTextForTimes(bytes: Uint8Array, header: number): boolean {
  const { gnuAccessTime, gnuChangeTime } = FIELD;
  if (bytes[header + gnuAccessTime.offset] === 0 && bytes[header + gnuChangeTime.offset] === 0) return false;
  return [gnuAccessTime, gnuChangeTime].some(({ offset, length }) => {
    if (bytes[header + offset] === 0) return false;
    try {
      parseNumber(bytes, header + offset, length, 'time');
      return false;
    } catch {
      return true;
    }
  });
}

/** PAX records win over the header; of one key the last counts; an empty value leaves the header's. */
function applyPax(draft: Draft): void {
  for (const { key, value } of draft.pax) {
    if (key.startsWith('SCHILY.xattr.trusted.overlay.')) draft.odd |= ODD.overlayXattr;
    if (!OVERRIDES.has(key)) continue;
    if (value.length === 0) {
      draft.odd |= ODD.emptyOverride;
      continue;
    }
    if (key === 'path') draft.name = value;
    else if (key === 'linkpath') draft.link = value;
    else if (key === 'size') draft.size = paxInteger(value, key);
    else if (key === 'uid') draft.uid = paxInteger(value, key);
    else if (key === 'gid') draft.gid = paxInteger(value, key);
    else if (key === 'mtime') {
      const { seconds, nanos } = paxTime(value, key);
      draft.mtime = seconds;
      draft.mtimeNanos = nanos;
    }
  }
}

const OVERRIDES: ReadonlySet<string> = new Set(['path', 'linkpath', 'size', 'uid', 'gid', 'mtime']);

function override(draft: Draft, field: 'name' | 'link', text: Uint8Array, key: string): void {
  draft[field] = text;
  if (draft.pax.some((record) => record.key === key)) draft.odd |= ODD.extensions;
}

function settleType(draft: Draft, type: number): void {
  draft.type = type;
  if (type === TYPE.oldFile) {
    const isDirectory = draft.name[draft.name.length - 1] === 0x2f;
    draft.type = isDirectory ? TYPE.directory : TYPE.file;
    if (isDirectory) draft.odd |= ODD.type;
  } else if (type === TYPE.contiguous) {
    draft.type = TYPE.file;
    draft.odd |= ODD.type;
  } else if (type === TYPE.gnuSparse) {
    draft.type = TYPE.file;
    draft.odd |= ODD.oldSparse;
  } else if (type !== TYPE.file && !HEADER_ONLY.has(type)) {
    const shown = type > 0x20 && type < 0x7f ? `"${String.fromCharCode(type)}"` : `0x${type.toString(16)}`;
    throw new DimgxError('DIMGX_TAR_UNKNOWN_TYPE', `an entry is of type ${shown}, which no engine unpacks`);
  }
}

/** Settles where contents lie and how long they are. Returns how many bytes from the header are needed, if more are. */
function settleSize(bytes: Uint8Array, header: number, draft: Draft): number | undefined {
  if (draft.size < 0 || draft.size > Number.MAX_SAFE_INTEGER) {
    throw new DimgxError('DIMGX_TAR_BAD_HEADER', 'the size of an entry is negative or absurd');
  }
  if (HEADER_ONLY.has(draft.type)) {
    if (draft.size !== 0) draft.odd |= ODD.size;
    draft.size = 0;
  }
  let headerLength: number = BLOCK;
  draft.dataSize = draft.size;
  if ((draft.odd & ODD.oldSparse) !== 0) {
    const sparse = oldSparseMap(bytes, header);
    if ('need' in sparse) return sparse.need;
    headerLength = sparse.length;
    draft.size = parseNumber(bytes, header + FIELD.gnuRealSize.offset, FIELD.gnuRealSize.length, 'real size');
    checkSparseMap(sparse.map, draft.size);
  }
  draft.dataOffset = draft.headerOffset + headerLength;
  draft.end = draft.dataOffset + padded(draft.dataSize);
  return draft.pax === NO_RECORDS || draft.type !== TYPE.file ? undefined : settlePaxSparse(bytes, header, draft);
}

/** A file whose sparse map is told by PAX records. Source: GNU tar manual, "Sparse Formats". */
function settlePaxSparse(bytes: Uint8Array, header: number, draft: Draft): number | undefined {
  const value = (key: string) => draft.pax.findLast((record) => record.key === key)?.value;
  const text = (key: string) => latin1(value(key) ?? EMPTY);
  const version = `${text('GNU.sparse.major')}.${text('GNU.sparse.minor')}`;
  const isMapInHead = version === '1.0';
  const isMapInRecords =
    version === '0.0' || version === '0.1' || (version === '.' && value('GNU.sparse.map') !== undefined);
  if (!isMapInHead && !isMapInRecords) return undefined;
  const realSize = value('GNU.sparse.size') ?? value('GNU.sparse.realsize');
  if (realSize) draft.size = paxInteger(realSize, 'GNU.sparse.realsize');
  const realName = value('GNU.sparse.name');
  if (realName && realName.length > 0) draft.name = realName;
  if (isMapInRecords) {
    checkSparseMap(paxSparseMap(draft.pax), draft.size);
    return undefined;
  }
  const head = bytes.subarray(header + BLOCK, header + BLOCK + draft.dataSize);
  const map = headSparseMap(head);
  if (map !== 'more') {
    checkSparseMap(map, draft.size);
    return undefined;
  }
  if (head.length === draft.dataSize) {
    throw new DimgxError('DIMGX_TAR_BAD_SPARSE', 'the map of a sparse file is longer than its contents');
  }
  return BLOCK + Math.min(draft.dataSize, head.length + 16 * BLOCK);
}
