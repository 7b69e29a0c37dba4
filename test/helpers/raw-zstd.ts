/** The header of a frame. Default: a single segment, with its size in as few bytes as possible. */
export interface RawFrame {
  /** The window descriptor byte. If missing, the frame is a single segment. */
  readonly window?: number;
  /** Length of the size field: 0 (only with a window), 1 (only without one), 2, 4 or 8. */
  readonly sizeBytes?: 0 | 1 | 2 | 4 | 8;
  /** Default: the length of the contents. */
  readonly size?: bigint;
  /** Length of the dictionary ID field; its value is zero, which means no dictionary. */
  readonly dictionaryBytes?: 0 | 1 | 2 | 4;
}

const LARGEST_BLOCK = 128 * 1024;

/** A zstd frame of uncompressed blocks, without a checksum, from a writer that can write what no library would. */
export function rawFrame(contents: Uint8Array, frame: RawFrame = {}): Buffer {
  const { window, size = BigInt(contents.length), dictionaryBytes = 0 } = frame;
  const sizeBytes = frame.sizeBytes ?? (contents.length < 256 && window === undefined ? 1 : 4);
  const sizeFlag = { 0: 0, 1: 0, 2: 1, 4: 2, 8: 3 }[sizeBytes];
  const dictionaryFlag = { 0: 0, 1: 1, 2: 2, 4: 3 }[dictionaryBytes];
  const descriptor = (sizeFlag << 6) | (window === undefined ? 0x20 : 0) | dictionaryFlag;
  const sizeField = Buffer.alloc(8);
  sizeField.writeBigUInt64LE(sizeBytes === 2 ? size - 256n : size);
  const blocks: Buffer[] = [];
  for (let at = 0; at === 0 || at < contents.length; at += LARGEST_BLOCK) {
    const part = contents.subarray(at, at + LARGEST_BLOCK);
    blocks.push(blockHeader(0, part.length, at + LARGEST_BLOCK >= contents.length), Buffer.from(part));
  }
  return Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, ...(window === undefined ? [] : [window])]),
    Buffer.alloc(dictionaryBytes),
    sizeField.subarray(0, sizeBytes),
    ...blocks,
  ]);
}

/** A frame with a window of 128 KiB that repeats one byte. Each four-byte block expands to 128 KiB. */
export function runFrame(byte: number, blocks: number): Buffer {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3]);
  const run = Buffer.concat([blockHeader(1, LARGEST_BLOCK, false), Buffer.from([byte])]);
  const last = Buffer.concat([blockHeader(1, LARGEST_BLOCK, true), Buffer.from([byte])]);
  return Buffer.concat([header, Buffer.alloc(run.length * (blocks - 1), run), last]);
}

/** @param kind 0 to 15 */
export function skippableFrame(contents: Uint8Array, kind = 0): Buffer {
  const header = Buffer.from([0x50 + kind, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  header.writeUInt32LE(contents.length, 4);
  return Buffer.concat([header, contents]);
}

function blockHeader(type: number, size: number, isLast: boolean): Buffer {
  const header = Buffer.alloc(3);
  header.writeUIntLE((size << 3) | (type << 1) | (isLast ? 1 : 0), 0, 3);
  return header;
}
