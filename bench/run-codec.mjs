/**
 * `run-codec.mjs encode|decode NAME LEVEL FILE`: has the codec of dimgx work on a file, and writes what it makes to standard
 * output.
 */
import { createReadStream, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { pieceSink } from '#dimgx/base/io/byte-source.js';
import { codecOf } from '#dimgx/compression/codecs.js';

const [direction, name, level, file = ''] = process.argv.slice(2);
const codec = codecOf(/** @type {import('#dimgx/compression/codecs.js').CompressionName} */ (name));
const settings = { level: Number(level), threads: availableParallelism() };
const stream = direction === 'encode' ? (await codec.loadEncoder())(settings) : (await codec.loadDecoder())();
await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), stream, pieceSink(write));

/** @param {Buffer} piece */
function write(piece) {
  for (let at = 0; at < piece.length; ) at += writeSync(1, piece, at);
}
