import type { Duplex } from 'node:stream';
import { nodeZstd, zstd } from '#dimgx/compression/zstd.js';
import { ZstdDecoder } from '#dimgx/compression/zstd-frames.js';
import { loadWasmDecoders } from '#dimgx/compression/zstd-wasm.js';

/** Both ways to read zstd, whichever of them this Node would use. */
export interface ZstdBackend {
  readonly name: string;
  readonly isMissing: boolean;
  decoder(): Promise<Duplex>;
}

export const ZSTD_BACKENDS: readonly ZstdBackend[] = [
  {
    name: 'node:zlib (from Node 22.15 on)',
    isMissing: nodeZstd() === undefined,
    decoder: async () => (await zstd.loadDecoder())(),
  },
  { name: 'the WASM library', isMissing: false, decoder: async () => new ZstdDecoder(await loadWasmDecoders()) },
];
