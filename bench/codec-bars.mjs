/**
 * Codecs beside the tools of their formats. To add one is to add a row; what has no limit is only shown.
 *
 * @typedef {object} CodecBar
 * @property {string} codec
 * @property {number} level of both
 * @property {string} encode the tool's command that compresses standard input at that level on all processors
 * @property {string} decode the tool's command that decompresses standard input
 * @property {{ time?: number, size?: number }} encodeLimit at most this part of the tool's
 * @property {{ time?: number }} decodeLimit
 * @property {string[]} [encodeNodes] lines of Node that are measured writing it; default: the one that runs the benchmark
 * @property {string[]} [decodeNodes] the same for reading
 * @property {number[]} levels whose memory is shown
 */

/** @type {readonly CodecBar[]} */
export const CODEC_BARS = [
  {
    codec: 'gzip',
    level: 6,
    encode: 'pigz -6',
    decode: 'pigz -dc',
    encodeLimit: { time: 0.8, size: 1.02 },
    decodeLimit: { time: 0.7 },
    levels: [0, 1, 6, 9],
  },
  {
    codec: 'zstd',
    level: 3,
    encode: 'zstd -q -3 -T0',
    decode: 'zstd -qdc',
    encodeLimit: { time: 1.5 },
    decodeLimit: { time: 1.2 },
    encodeNodes: ['22', '24'],
    decodeNodes: ['20', '22', '24'],
    levels: [1, 3, 9, 19],
  },
  {
    codec: 'bzip2',
    level: 9,
    encode: 'bzip2 -9',
    decode: 'bzip2 -dc',
    encodeLimit: { time: 1 },
    decodeLimit: {},
    levels: [1, 5, 9],
  },
  {
    codec: 'bzip2',
    level: 9,
    encode: 'lbzip2 -9',
    decode: 'lbzip2 -dc',
    encodeLimit: {},
    decodeLimit: {},
    levels: [],
  },
  {
    codec: 'xz',
    level: 1,
    encode: 'xz -1 -T0',
    decode: 'xz -dc',
    encodeLimit: { time: 1.8 },
    decodeLimit: {},
    levels: [],
  },
  {
    codec: 'xz',
    level: 6,
    encode: 'xz -6 -T0',
    decode: 'xz -dc',
    encodeLimit: { time: 1.8 },
    decodeLimit: {},
    levels: [0, 1, 6, 9],
  },
];
