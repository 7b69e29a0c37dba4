import type { Duplex } from 'node:stream';
import { formatSize, type Limits, tooLarge, tooManyEntries } from '../../../base/limits.js';
import { tryParseJson } from '../../../base/text/go-json.js';
import { quoted } from '../../../base/text/printable.js';
import { codecOf } from '../../../compression/codecs.js';
import { decodeInto, freeMemory } from '../../../compression/decode-into.js';
import { DimgxError, throwIfAborted } from '../../../errors.js';

/** Maximum length of a line, in bytes. A segment is at most 1 MiB long, in base64. */
const MAX_LINE = 2 * 2 ** 20;
/** Lines that one entry may take: its segments, and the line of its contents. */
const LINES_PER_ENTRY = 4;
/** Lines that a layer without entries may take. */
const SOME_LINES = 10_000;

/** For errors: what a document describes. */
export const UNPACKED = 'the unpacked layer';

const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

/** What a tar-split document describes, in the order of the tar. */
export type TarSplitItem =
  /** Bytes of the tar as they are: headers, padding, and what follows the entries. */
  | { readonly kind: 'segment'; readonly bytes: Buffer }
  /** An entry. Its contents come here, if it has any. */
  | {
      readonly kind: 'file';
      /** As in its header. It may be overwritten once the next item is taken. */
      readonly name: Buffer;
      /** In bytes; of a sparse file, with its holes. Headers of links and folders may claim any size, however large. */
      readonly size: number;
      /** CRC-64 of the contents: 8 bytes, if the size is not 0. */
      readonly crc: Buffer;
    };

export interface TarSplitOptions {
  readonly limits: Limits;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a compressed tar-split document, line by line. Source: vbatts/tar-split, tar/storage/entry.go.
 *
 * @param document a piece may be overwritten once the next but one is requested
 * @param take receives each item; the next one follows once its promise has resolved
 * @throws DIMGX_STORE_DAMAGED, DIMGX_LIMIT_SIZE, DIMGX_LIMIT_ENTRIES, DIMGX_ABORTED; what `take` throws
 */
export async function readTarSplit(
  document: AsyncIterable<Uint8Array>,
  { limits, signal }: TarSplitOptions,
  take: (item: TarSplitItem) => Promise<void> | undefined,
): Promise<void> {
  const lines = new LineSplitter(limits);
  const makeDecoder = await codecOf('gzip').loadDecoder();
  const onPiece = async (piece: Buffer) => {
    throwIfAborted(signal);
    for (const line of lines.push(piece)) {
      const taking = take(parseLine(line));
      if (taking) await taking;
    }
    freeMemory(piece);
  };
  await decode(makeDecoder(), document, onPiece);
  const rest = lines.rest();
  if (rest.length > 0) await take(parseLine(rest));
}

async function decode(
  decoder: Duplex,
  document: AsyncIterable<Uint8Array>,
  onPiece: (piece: Buffer) => Promise<void>,
): Promise<void> {
  await decodeInto(decoder, document, onPiece).catch((cause: unknown) => {
    throw cause instanceof DimgxError ? cause : damaged('is damaged or ends too early', cause);
  });
}

/** Splits decoded text into lines, within limits. */
class LineSplitter {
  readonly #limits: Limits;
  #carry: Buffer = NOTHING;
  #text = 0;
  #lines = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Yields the lines that are complete; empty ones are left out. */
  *push(piece: Buffer): Generator<Buffer, void, void> {
    const { maxSize, maxEntries } = this.#limits;
    this.#text += piece.length;
    if (this.#text > 2 * maxSize + MAX_LINE) throw tooLarge(UNPACKED, maxSize);
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      const whole = piece.subarray(from, end);
      const line = this.#carry.length > 0 ? Buffer.concat([this.#carry, whole]) : whole;
      this.#carry = NOTHING;
      from = end + 1;
      if (line.length > MAX_LINE) throw tooLong();
      if (++this.#lines > LINES_PER_ENTRY * maxEntries + SOME_LINES) throw tooManyEntries('the layer', maxEntries);
      if (line.length > 0) yield line;
    }
    this.#carry = Buffer.concat([this.#carry, piece.subarray(from)]);
    if (this.#carry.length > MAX_LINE) throw tooLong();
  }

  /** The last line, if it has no end. */
  rest(): Buffer {
    return this.#carry;
  }
}

const [FILE, SEGMENT] = [1, 2];

/** The beginnings of lines as engines write them. Reading them as JSON takes three times as long. */
const USUAL_SEGMENT = '{"type":2,"payload":"';
const USUAL_FILE = '{"type":1,"name":"';
const BACKSLASH = 0x5c;

function parseLine(line: Buffer): TarSplitItem {
  return usualItem(line) ?? parseUnusual(line);
}

/** @returns `undefined` if the line is not as engines write most of them */
function usualItem(line: Buffer): TarSplitItem | undefined {
  const text = line.toString('latin1');
  if (text.startsWith(USUAL_SEGMENT)) {
    const end = text.indexOf('"', USUAL_SEGMENT.length);
    if (!text.startsWith('","position"', end)) return undefined;
    return { kind: 'segment', bytes: Buffer.from(text.slice(USUAL_SEGMENT.length, end), 'base64') };
  }
  if (!text.startsWith(USUAL_FILE)) return undefined;
  const end = text.indexOf('"', USUAL_FILE.length);
  const rest = /^","size":(\d{1,15}),"payload":"([\w+/]{11}=)","position":\d+\}$/.exec(text.slice(end));
  const name = line.subarray(USUAL_FILE.length, end);
  if (!rest || name.includes(BACKSLASH)) return undefined;
  return { kind: 'file', name, size: Number(rest[1]), crc: Buffer.from(rest[2] as string, 'base64') };
}

function parseUnusual(line: Buffer): TarSplitItem {
  const value = tryParseJson(line.toString());
  if (typeof value !== 'object' || value === null) throw malformed();
  const { type, name, name_raw: raw, size, payload } = value as Record<string, unknown>;
  if (type === SEGMENT) return { kind: 'segment', bytes: bytesOf(payload) };
  if (type !== FILE) throw malformed();
  const length = size ?? 0;
  if (typeof length !== 'number' || !Number.isInteger(length) || length < 0) throw malformed();
  const crc = length === 0 ? NOTHING : bytesOf(payload);
  if (length > 0 && crc.length !== 8) throw malformed();
  if (typeof raw === 'string' && raw !== '') return { kind: 'file', name: bytesOf(raw), size: length, crc };
  if (name !== undefined && typeof name !== 'string') throw malformed();
  return { kind: 'file', name: Buffer.from(name ?? ''), size: length, crc };
}

function bytesOf(payload: unknown): Buffer {
  if (payload === null || payload === undefined) return NOTHING;
  if (typeof payload !== 'string') throw malformed();
  return Buffer.from(payload, 'base64');
}

export function damaged(what: string, cause?: unknown): DimgxError {
  return new DimgxError('DIMGX_STORE_DAMAGED', `the engine's record of the layer (tar-split) ${what}`, { cause });
}

/** The error for an entry whose header says something else. @param name of it */
export function contradiction(name: Uint8Array): DimgxError {
  return damaged(`contradicts the header of ${quoted(name)}`);
}

function malformed(): DimgxError {
  return damaged('has a malformed line');
}

function tooLong(): DimgxError {
  return damaged(`has a line of more than ${formatSize(MAX_LINE)}`);
}
