import { Bzip2Decoder } from './bzip2-decoder.js';
import { Bzip2Encoder } from './bzip2-encoder.js';
import type { Codec } from './codec.js';
import { compileLibbz2 } from './libbz2.js';

/** Several streams are read as one. When writing, each piece becomes a stream, as with pbzip2. */
export const bzip2: Codec = {
  name: 'bzip2',
  magic: [0x42, 0x5a, 0x68],
  extensions: ['.bz2', '.tbz2'],
  levels: { lowest: 1, highest: 9, standard: 9 },
  decoder: async () => {
    const libbz2 = await compileLibbz2();
    return () => new Bzip2Decoder(libbz2);
  },
  encoder: async () => {
    const libbz2 = await compileLibbz2();
    return (settings) => new Bzip2Encoder(libbz2, settings);
  },
};
