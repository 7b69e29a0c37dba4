import type { Codec } from './codec.js';

/** Told apart, not yet read or written. */
export const bzip2: Codec = {
  name: 'bzip2',
  magic: [0x42, 0x5a, 0x68],
  extensions: ['.bz2', '.tbz2'],
  levels: { lowest: 1, highest: 9, standard: 9 },
};
