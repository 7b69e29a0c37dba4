import type { Codec } from './codec.js';

/** Told apart, not yet read or written. */
export const zstd: Codec = {
  name: 'zstd',
  magic: [0x28, 0xb5, 0x2f, 0xfd],
  extensions: ['.zst', '.tzst'],
  levels: { lowest: 1, highest: 19, standard: 3 },
};
