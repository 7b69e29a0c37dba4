import type { Duplex } from 'node:stream';
import * as zlib from 'node:zlib';

interface ZstdSettings {
  readonly chunkSize?: number;
  readonly pledgedSrcSize?: number;
  readonly params?: Readonly<Record<number, number>>;
}

/** The zstd functions that node:zlib has from Node 22.15 and 23.8 on. The types of Node 20 do not include them. */
export interface NodeZstd {
  createZstdDecompress(settings: ZstdSettings): Duplex;
  zstdCompress(bytes: Uint8Array, settings: ZstdSettings, done: (error: Error | null, result: Buffer) => void): void;
  readonly constants: { readonly ZSTD_c_compressionLevel: number; readonly ZSTD_c_checksumFlag: number };
}

/** `undefined` if this Node has no zstd. */
export function nodeZstd(): NodeZstd | undefined {
  return 'createZstdDecompress' in zlib ? (zlib as unknown as NodeZstd) : undefined;
}
