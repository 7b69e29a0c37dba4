import type { Codec } from './codec.js';
import { loadXzEmbedded, XzDecoder } from './xz-decoder.js';
import { loadLzma, XzEncoder } from './xz-encoder.js';

/** Several streams are read as one. The output is one stream of several blocks, with CRC64. */
export const xz: Codec = {
  name: 'xz',
  magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  extensions: ['.xz', '.txz'],
  levels: { lowest: 0, highest: 9, standard: 6 },
  decoder: async () => {
    const decoder = await loadXzEmbedded();
    return () => new XzDecoder(decoder);
  },
  encoder: async () => {
    const lzma = await loadLzma();
    return (settings) => new XzEncoder(lzma, settings);
  },
};
