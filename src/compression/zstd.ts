import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { DimgxError } from '../errors.js';
import { type Codec, loadPackage, type MakeEncoder } from './codec.js';
import { PiecewiseEncoder } from './piecewise-encoder.js';
import { type FrameDecoders, ZstdDecoder } from './zstd-frames.js';

/** In bytes. Measured: as fast as `zstd -dc`. */
const DECODED_CHUNK = 256 * 1024;

/**
 * RFC 8878. All frames are read as one stream: skippable frames are skipped, checksums are checked, and windows of more
 * than 128 MiB are refused. Written frames have one size, and each states its length and has a checksum.
 */
export const zstd: Codec = {
  magic: [0x28, 0xb5, 0x2f, 0xfd],
  otherMagic: Array.from({ length: 16 }, (_, bits) => [0x50 + bits, 0x2a, 0x4d, 0x18]), // skippable frames
  extensions: ['.zst', '.tzst'],
  levels: { lowest: 1, highest: 19, standard: 3 },
  blocksThread: !nodeZstd(),
  loadDecoder: async () => {
    const decoders = await loadFrameDecoders();
    return (waiting) => new ZstdDecoder(decoders, waiting);
  },
  loadEncoder: loadZstdEncoder,
};

async function loadFrameDecoders(): Promise<FrameDecoders> {
  const zlib = nodeZstd();
  if (zlib) {
    const make = (waiting = 2 * DECODED_CHUNK) =>
      zlib.createZstdDecompress({ chunkSize: Math.min(DECODED_CHUNK, waiting >>> 1) });
    return { make, memory: 512 * 1024 };
  }
  const { loadWasmDecoders } = await loadPackage('zstddec', () => import('./zstd-wasm.js'));
  return loadWasmDecoders();
}

interface ZstdSettings {
  readonly chunkSize?: number;
  readonly pledgedSrcSize?: number;
  readonly params?: Readonly<Record<number, number>>;
}

/** The zstd functions that node:zlib has from Node 22.15 and 23.8 on. The types of Node 20 do not include them. */
interface NodeZstd {
  createZstdDecompress(settings: ZstdSettings): Duplex;
  zstdCompress(bytes: Uint8Array, settings: ZstdSettings, done: (error: Error | null, result: Buffer) => void): void;
  readonly constants: { readonly ZSTD_c_compressionLevel: number; readonly ZSTD_c_checksumFlag: number };
}

/** `undefined` if this Node has no zstd. */
export function nodeZstd(): NodeZstd | undefined {
  return 'createZstdDecompress' in zlib ? (zlib as unknown as NodeZstd) : undefined;
}

/**
 * Input bytes in each frame. Measured: a third of a percent larger than a single frame at level 3, two percent at level
 * 19.
 */
const PIECE = 4 * 1024 * 1024;

/** Size of an output chunk, in bytes: usually enough for a whole frame. */
const ENCODED_CHUNK = 1024 * 1024;

/** Compresses one frame, which states its length and has a checksum. */
type CompressFrame = (piece: Buffer, level: number) => Promise<Uint8Array>;

/** The part of the package `zstd-napi` that is used. */
interface ZstdNapi {
  compress(bytes: Uint8Array, settings: { compressionLevel: number; checksumFlag: boolean }): Buffer;
}

/**
 * Writes frames of one size. node:zlib compresses them in parallel in Node's thread pool. If this Node has no zstd, the
 * package zstd-napi compresses them on this thread.
 *
 * @throws DIMGX_COMPRESSION_UNSUPPORTED when neither is available
 */
async function loadZstdEncoder(): Promise<MakeEncoder> {
  const zlib = nodeZstd();
  const compressFrame = zlib ? byNode(zlib) : byPackage();
  const none = new Uint8Array(0);
  return ({ level, threads }) => {
    const compress = (piece: Buffer) => compressFrame(piece, level);
    return new PiecewiseEncoder({ pieceSize: PIECE, historySize: 0, head: none, compress, tail: () => none }, threads);
  };
}

function byNode({ zstdCompress, constants }: NodeZstd): CompressFrame {
  const compress = promisify(zstdCompress);
  const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = constants;
  return (piece, level) => {
    const params = { [ZSTD_c_compressionLevel]: level, [ZSTD_c_checksumFlag]: 1 };
    return compress(piece, { pledgedSrcSize: piece.length, chunkSize: ENCODED_CHUNK, params });
  };
}

/** Uses `require`, which also finds packages in NODE_PATH. */
function byPackage(): CompressFrame {
  try {
    const { compress } = createRequire(import.meta.url)('zstd-napi') as ZstdNapi;
    return async (piece, compressionLevel) => compress(piece, { compressionLevel, checksumFlag: true });
  } catch (cause) {
    const message = `Node ${process.versions.node} cannot write zstd: use Node 22.15 or later, or install the package zstd-napi`;
    throw new DimgxError('DIMGX_COMPRESSION_UNSUPPORTED', message, { cause });
  }
}
