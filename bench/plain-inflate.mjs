/** What there is to beat for compressed layers: node:zlib inflates each file once, one after the other, to nowhere. */
import { createReadStream } from 'node:fs';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

for (const path of process.argv.slice(2)) {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), createGunzip({ chunkSize: 2 ** 18 }), nowhere);
}
