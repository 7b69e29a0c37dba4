/**
 * `node bench/make-image.mjs FOLDER [--random-order] [--scale N]`: writes the main image of the benchmark into a new folder, to
 * work with by hand, and leaves it there: image.tar, an uncompressed docker-archive, and layout-gzip, an OCI layout with gzip
 * layers. Prints what names the layout, and the files of its layers.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { distributionLayers } from './distribution-layers.mjs';
import { inRandomOrder } from './random-order.mjs';
import { writeImage } from './write-image.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'random-order': { type: 'boolean', default: false }, scale: { type: 'string', default: '1' } },
});
if (positionals[0] === undefined) throw new Error('usage: node bench/make-image.mjs FOLDER');
const folder = resolve(positionals[0]);
await mkdir(folder);
const sorted = distributionLayers(Number(values.scale));
const image = await writeImage(folder, values['random-order'] ? inRandomOrder(sorted) : sorted, ['gzipLayout']);
console.log(`oci:${image.also.gzipLayout}`);
for (const blob of image.gzipBlobs) console.log(blob);
