/** The library as a program uses it: the flat tar as a stream, to nowhere. */
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extractLayers, inspectLayers, openImage } from 'dimgx';

const image = await openImage(process.argv[2] ?? '');
try {
  const layers = await inspectLayers(image);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  await pipeline(extractLayers(layers), nowhere);
} finally {
  await image.close();
}
