/**
 * One tar entry, byte for byte. Text is latin1: one character, one byte. Defaults are those of a plain tar. A name or
 * link that does not fit its field gets a GNU `L` or `K` block, unless the entry has its own.
 */
export interface RawEntry {
  readonly name: string;
  /** The type flag. Default `0`. */
  readonly type?: string;
  readonly content?: string;
  /** Value of the size field. Default: the length of the contents. */
  readonly size?: number;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Names of owner and group. Default: none. */
  readonly owners?: readonly [user: string, group: string];
  readonly mtime?: number;
  readonly device?: readonly [major: number, minor: number];
  /** Default `ustar`. */
  readonly magic?: 'ustar' | 'gnu' | 'v7';
  /** At offset 345. */
  readonly prefix?: string;
  /** Records of a PAX header in front, in order. */
  readonly pax?: readonly (readonly [key: string, value: string])[];
  /** Bodies of GNU `L` and `K` blocks in front. */
  readonly longName?: string;
  readonly longLink?: string;
  /**
   * For an old GNU sparse file (type `S`): where its stretches of data are, at most four, and its length including the
   * holes.
   */
  readonly sparse?: {
    readonly map: readonly (readonly [offset: number, length: number])[];
    readonly size: number;
  };
}

const MAGIC = { ustar: 'ustar\x0000', gnu: 'ustar  \0', v7: '' };

/** What may be missing at the end of a tar. */
export interface RawEnd {
  /** Zero blocks at the end. Default 2. */
  readonly zeroBlocks?: number;
  /** Whether the last contents are padded. Default true. */
  readonly padded?: boolean;
}

/**
 * An uncompressed layer, from a writer that can write what no tar library would.
 *
 * @param entries bytes are written unchanged
 */
export function rawLayer(entries: readonly (RawEntry | Uint8Array)[], end: RawEnd = {}): Buffer {
  const { zeroBlocks = 2, padded = true } = end;
  const parts = entries.map((entry) => (entry instanceof Uint8Array ? entry : rawEntry(entry)));
  const last = entries.at(-1);
  if (!padded && last && !(last instanceof Uint8Array)) {
    const rest = (last.content ?? '').length % 512;
    const bytes = parts.pop() as Uint8Array;
    parts.push(rest === 0 ? bytes : bytes.subarray(0, bytes.length - 512 + rest));
  }
  return Buffer.concat([...parts, Buffer.alloc(512 * zeroBlocks)]);
}

/** All blocks of one entry. */
export function rawEntry(entry: RawEntry): Buffer {
  const { name, link = '', pax = [], content = '' } = entry;
  const hasPax = (key: string) => (pax.findLast((record) => record[0] === key)?.[1] ?? '') !== '';
  const longName = entry.longName ?? (name.length > 100 && !hasPax('path') ? name : undefined);
  const longLink = entry.longLink ?? (link.length > 100 && !hasPax('linkpath') ? link : undefined);
  return Buffer.concat([
    ...(pax.length > 0 ? [extension('x', pax.map(([key, value]) => paxRecord(key, value)).join(''))] : []),
    ...(longName === undefined ? [] : [extension('L', `${longName}\0`)]),
    ...(longLink === undefined ? [] : [extension('K', `${longLink}\0`)]),
    rawHeader(entry),
    contentBlocks(content),
  ]);
}

/** The header block alone. */
export function rawHeader(entry: RawEntry): Buffer {
  const { content = '', magic = 'ustar', device = [0, 0] } = entry;
  const header = Buffer.alloc(512);
  const text = (value: string, at: number, length: number) => header.write(value.slice(0, length), at, 'latin1');
  text(entry.name, 0, 100);
  number(header, 100, 8, entry.mode ?? 0o644);
  number(header, 108, 8, entry.uid ?? 0);
  number(header, 116, 8, entry.gid ?? 0);
  number(header, 124, 12, entry.size ?? content.length);
  number(header, 136, 12, entry.mtime ?? 0);
  header.fill(' ', 148, 156);
  text(entry.type ?? '0', 156, 1);
  text(entry.link ?? '', 157, 100);
  text(MAGIC[magic], 257, 8);
  for (const [i, owner] of (entry.owners ?? []).entries()) text(owner, 265 + 32 * i, 32);
  if (magic !== 'v7') {
    number(header, 329, 8, device[0]);
    number(header, 337, 8, device[1]);
  }
  text(entry.prefix ?? '', 345, 155);
  if (entry.sparse) {
    for (const [i, part] of entry.sparse.map.flat().entries()) number(header, 386 + 12 * i, 12, part);
    number(header, 483, 12, entry.sparse.size);
  }
  const sum = header.reduce((total, byte) => total + byte, 0);
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
  return header;
}

/** A PAX record. Its length includes the length field. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length++;
  return `${length}${rest}`;
}

/** A block that describes the next entry: `x`, `g`, `L` or `K`. */
export function extension(type: string, body: string): Buffer {
  return rawEntry({ name: '././@Extension', type, content: body });
}

function contentBlocks(content: string): Buffer {
  const blocks = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  blocks.write(content, 'latin1');
  return blocks;
}

function number(header: Buffer, at: number, length: number, value: number): void {
  if (value >= 0 && value < 8 ** (length - 1)) {
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
    return;
  }
  let rest = BigInt.asUintN(8 * length, BigInt(value));
  for (let i = at + length - 1; i >= at; i--, rest >>= 8n) header[i] = Number(rest & 0xffn);
  header[at] = (header[at] as number) | 0x80;
}
