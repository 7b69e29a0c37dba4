import { closeSync, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { openImage } from '#dimgx/source/resolve.js';
import { layerOf } from '../helpers/built-image.js';
import { docker25Archive } from '../helpers/docker-archive.js';
import { temporaryFolder, writeArchive } from '../helpers/members.js';

const layer = await layerOf({ large: 'x'.repeat(40_000_000) });

/** An archive of one layer, and another file as long, of other bytes. */
async function files(gzip: boolean) {
  const folder = await temporaryFolder();
  const other = join(folder, 'other');
  await writeFile(other, Buffer.alloc(50_000_000, 'SECRET'));
  return { archive: await writeArchive(docker25Archive([{ layers: [layer] }], { gzip })), other };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe.each([
  ['an uncompressed layer', false],
  ['a compressed layer', true],
])('of %s', (_name, gzip) => {
  test('a stream ends with a code when its image is closed, and gives nothing of another file', async () => {
    const { archive, other } = await files(gzip);
    const image = await openImage(archive);
    const stream = extractLayers(await inspectLayers(image));
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    const closing = image.close();
    expect(stream.destroyed).toBe(true);
    await closing;
    const opened = Array.from({ length: 20 }, () => openSync(other, 'r'));
    onTestFinished(() => opened.forEach(closeSync));
    await expect(reader.next()).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
  });

  test('a stream that is first read when its image has been closed gives nothing', async () => {
    const { archive, other } = await files(gzip);
    const image = await openImage(archive);
    const stream = extractLayers(await inspectLayers(image));
    await image.close();
    const opened = Array.from({ length: 20 }, () => openSync(other, 'r'));
    onTestFinished(() => opened.forEach(closeSync));
    await expect(Readable.prototype.toArray.call(stream)).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
  });

  test('an inspection under way, or its verification, fails with a code when its image is closed', async () => {
    const { archive } = await files(gzip);
    const image = await openImage(archive);
    const verified = async () => (await inspectLayers(image))[0]?.verified;
    const inspecting = expect(verified()).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    await nextTurn();
    await image.close();
    await inspecting;
  });
});
