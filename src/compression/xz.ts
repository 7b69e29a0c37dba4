import type { Codec } from './codec.js';

/** Told apart, not yet read or written. */
export const xz: Codec = {
  name: 'xz',
  magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  extensions: ['.xz', '.txz'],
  levels: { lowest: 0, highest: 9, standard: 6 },
};
