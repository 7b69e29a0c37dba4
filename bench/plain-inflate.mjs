/**
 * What there is to beat for compressed layers: node:zlib inflates each file once, one after the other, and drops what
 * comes. Says how many bytes came.
 */
import { createReadStream } from 'node:fs';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

let bytes = 0;
for (const path of process.argv.slice(2)) {
  const nowhere = new Writable({
    write(chunk, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), createGunzip({ chunkSize: 2 ** 18 }), nowhere);
}
console.log(bytes);
