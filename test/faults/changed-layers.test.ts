import { open, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { CodecName } from '#dimgx/compression/codecs.js';
import { DimgxError } from '#dimgx/errors.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { openImage } from '#dimgx/source/resolve.js';
import { diffIdOf } from '../helpers/built-image.js';
import { archiveOf, temporaryFolder } from '../helpers/members.js';
import { WITH_MOMENTS } from '../helpers/moments.js';
import { diskFolder, PACKINGS, packed, storedImage } from '../helpers/packed-layers.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { noise } from '../helpers/sample-image.js';
import { inTurn } from '../helpers/short-or-long.js';
import { storedLayer } from '../helpers/stored-layer.js';

vi.setConfig(WITH_MOMENTS);

/* A compressed layer is read twice. What if it is another one the second time? */

const MIB = 2 ** 20;
const layer = rawLayer([
  { name: 'a', content: noise(2 * MIB).toString('latin1') },
  { name: './b', content: noise(MIB).toString('latin1') },
  { name: 'c', content: 'x' },
]);
/** That of the layer, whose names are all right, and its end mark. */
const TAR_LENGTH = layer.length;
const CODECS = PACKINGS.filter((name): name is CodecName => name !== 'none');

const known = new Map<CodecName, Uint8Array>();

function packedIn(codec: CodecName): Uint8Array {
  const bytes = known.get(codec) ?? packed(layer, codec);
  known.set(codec, bytes);
  return bytes;
}

async function largestBlob(layout: string): Promise<string> {
  const folder = join(layout, 'blobs/sha256');
  const paths = (await readdir(folder)).map((name) => join(folder, name));
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  return paths[sizes.indexOf(Math.max(...sizes))] as string;
}

/** @returns the reference, and the file that has the layer */
const STORED: Readonly<Record<string, (codec: CodecName) => Promise<readonly [string, string]>>> = {
  'a layout': async (codec) => {
    const layout = await storedImage([[layer, packedIn(codec)]]);
    return [layout, await largestBlob(layout)];
  },
  'an archive': async (codec) => {
    const path = join(await temporaryFolder(), 'image.tar');
    await writeFile(path, await archiveOf(storedLayer(packedIn(codec), diffIdOf(layer))));
    return [path, path];
  },
};

const overwrite = async (path: string, from: number, bytes: Uint8Array) => {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, from);
  await file.close();
};

const WAYS: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  'is overwritten': async (path) => overwrite(path, 0, Buffer.alloc((await stat(path)).size, 'x')),
  'has one other byte': async (path) => overwrite(path, (await stat(path)).size >> 1, Buffer.from('x')),
  'is truncated': async (path) => truncate(path, (await stat(path)).size >> 1),
  'is empty': async (path) => truncate(path, 0),
  'is replaced by another': async (path) => {
    await writeFile(`${path}.new`, 'another');
    await rename(`${path}.new`, path);
  },
  'is gone': async (path) => rm(path),
};

type Moment = 'between the passes' | 'while it is read again';

/** @returns length of the tar of an image that is disturbed, or what its stream fails with */
async function endOf(reference: string, disturb: () => Promise<unknown>, when: Moment, verify: boolean) {
  const tmpDir = await diskFolder();
  const image = await openImage(reference);
  try {
    const layers = await inspectLayers(image, { tmpDir, verify });
    let isDisturbed = false;
    const disturbOnce = async () => {
      if (!isDisturbed) await disturb();
      isDisturbed = true;
    };
    if (when === 'between the passes') await disturbOnce();
    let length = 0;
    for await (const piece of extractLayers(layers, { tmpDir })) {
      length += piece.length;
      await disturbOnce();
    }
    return length;
  } catch (error) {
    return error instanceof DimgxError ? error.code : error;
  } finally {
    await image.close();
    expect(await readdir(tmpDir)).toEqual([]);
  }
}

describe.each(Object.entries(STORED))('a compressed layer of %s', (_, store) => {
  describe.each(Object.entries(WAYS))('that %s', (way, disturb) => {
    test.each(['between the passes', 'while it is read again'] as const)('%s', async (when) => {
      for (const [number, codec] of inTurn(CODECS).entries()) {
        const verify = (number + when.length) % 2 === 0;
        const [reference, path] = await store(codec);
        const end = await endOf(reference, () => disturb(path), when, verify);
        // A file that is open is read on, though it has no name any more.
        const isReadOn = /replaced|gone/.test(way) && end === TAR_LENGTH;
        if (!isReadOn) expect([codec, end]).toEqual([codec, 'DIMGX_SOURCE_CHANGED']);
      }
    });
  });
});
