import type { Codec } from './codec.js';
import { GzipDecoder } from './gzip-decoder.js';
import { gzipEncoder } from './gzip-encoder.js';

/**
 * RFC 1952. Several members are read as one stream, and zeros may follow them. The written header has no time and no
 * name.
 */
export const gzip: Codec = {
  name: 'gzip',
  magic: [0x1f, 0x8b],
  extensions: ['.gz', '.tgz'],
  levels: { lowest: 0, highest: 9, standard: 6 },
  decoder: async () => () => new GzipDecoder(),
  encoder: async () => gzipEncoder,
};
