import { execFileSync } from 'node:child_process';
import { closeSync, createWriteStream, openSync, writeSync } from 'node:fs';
import { readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { CodecName } from '#dimgx/compression/codecs.js';
import type { DimgxError } from '#dimgx/errors.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import type { OpenOptions } from '#dimgx/options.js';
import { openImage } from '#dimgx/source/resolve.js';
import { configOf, layerOf } from '../../helpers/built-image.js';
import { docker25Archive, dockerArchive } from '../../helpers/docker-archive.js';
import { withLittleRoom } from '../../helpers/little-room.js';
import { archiveOf, type Member, temporaryFolder } from '../../helpers/members.js';
import { OciLayout } from '../../helpers/oci-layout.js';
import { refusal } from '../../helpers/opened.js';
import { diskFolder, PACKINGS, packed } from '../../helpers/packed-layers.js';
import { paxHeader, rawEntry, rawTar } from '../../helpers/raw-tar.js';
import { noise } from '../../helpers/sample-image.js';
import { inTurn, shortOrLong } from '../../helpers/short-or-long.js';

const CODECS = PACKINGS.filter((name): name is CodecName => name !== 'none');
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

const layers = [
  await layerOf({ 'a/one': noise(150_000), 'a/two': Buffer.alloc(400_000, 'two\n'), gone: 'gone', 'z/last': 'x' }),
  await layerOf({ 'a/.wh.one': '', '.wh.gone': '', 'b/three': noise(40_000), 'a/zero': '' }),
  await layerOf({ 'a/two': 'other', 'c/four': noise(5000) }),
];

/** A layout whose layers are packed in turn. */
function layoutOf(packings: typeof PACKINGS): Record<string, Member> {
  const layout = new OciLayout();
  const blobs = layers.map((layer, i) => layout.blob(packed(layer, packings[i % packings.length] ?? 'none'), LAYER));
  const config = layout.blob(configOf({ layers }), CONFIG);
  return layout.top([layout.json({ schemaVersion: 2, mediaType: MANIFEST, config, layers: blobs }, MANIFEST)]);
}

const IMAGES: Readonly<Record<string, () => Record<string, Member>>> = {
  'from docker save': () => dockerArchive([{ layers }]),
  'from Docker 25, with compressed layers': () => docker25Archive([{ layers }], { gzip: true }),
  'of a layout': () => layoutOf(PACKINGS),
  'of a layout, with slow codecs': () => layoutOf(PACKINGS.filter((name) => name === 'xz' || name === 'bzip2')),
};

async function fileOf(bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'image.tar.packed');
  await writeFile(path, bytes);
  return path;
}

/** A FIFO that delivers the bytes once. */
async function fifoOf(bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'fifo');
  execFileSync('mkfifo', [path]);
  const writer = createWriteStream(path).on('error', () => {});
  writer.end(bytes);
  return path;
}

async function flattened(reference: string, options: OpenOptions = {}): Promise<Buffer> {
  const tmpDir = options.tmpDir ?? (await diskFolder());
  const image = await openImage(reference, { ...options, tmpDir });
  try {
    return await buffer(extractLayers(await inspectLayers(image, { tmpDir }), { tmpDir }));
  } finally {
    await image.close();
    expect(await readdir(tmpDir)).toEqual([]);
  }
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (failure: DimgxError) => failure.code,
  );

describe.each(CODECS)('an archive in %s, for which there is no room decompressed,', (codec) => {
  test.each(Object.keys(IMAGES))('comes to the same bytes: one %s', async (name) => {
    const archive = await archiveOf(IMAGES[name]?.() ?? {});
    const whole = await flattened(await fileOf(archive));
    const bytes = packed(archive, codec);
    // Nothing is kept; then documents, and then small layers as well.
    const cases = [
      { free: 0, made: fileOf },
      { free: 0, made: fifoOf },
      { free: 300_000, made: fileOf },
      { free: 40_000, made: fifoOf },
    ];
    for (const { free, made } of inTurn(cases)) {
      const out = await withLittleRoom(free, async () => flattened(await made(bytes)));
      expect({ free, made: made.name, same: out.equals(whole) }).toEqual({ free, made: made.name, same: true });
    }
  });

  test('may be opened, and closed at any moment', async () => {
    const path = await fileOf(packed(await archiveOf(dockerArchive([{ layers }])), codec));
    await withLittleRoom(40_000, async () => {
      for (let pieces = 0; pieces < 4; pieces++) {
        const image = await openImage(path);
        const stream = extractLayers(await inspectLayers(image));
        stream.on('error', () => {});
        for (let i = 0; i < pieces; i++) await new Promise((resolve) => setImmediate(resolve));
        if (pieces % 2 === 1) stream.read();
        await image.close();
        stream.destroy();
      }
    });
  });

  test('is refused if it is damaged or cut off', async () => {
    const bytes = packed(await archiveOf(dockerArchive([{ layers }])), codec);
    const damaged = Buffer.from(bytes).fill(0x5a, bytes.length >> 1, (bytes.length >> 1) + 1000);
    for (const wrong of [damaged, bytes.subarray(0, bytes.length - 12), bytes.subarray(0, bytes.length >> 1)]) {
      const path = await fileOf(wrong);
      const usual = await refusal(path);
      for (const free of [0, 300_000]) {
        const failure = await withLittleRoom(free, () => refusal(path));
        expect({ code: failure.code, message: failure.message }).toEqual({
          code: 'DIMGX_COMPRESSION_CORRUPT',
          message: usual.message,
        });
      }
    }
  });
});

describe('an archive for which there is no room decompressed', () => {
  const archive = () => archiveOf(dockerArchive([{ layers }]));

  test.each([
    ['overwritten', (path: string) => writeFile(path, noise(100_000))],
    ['truncated', async (path: string) => truncate(path, (await stat(path)).size >> 1)],
  ])('that is %s between the passes has changed', async (_, change) => {
    const path = await fileOf(packed(await archive(), 'gzip'));
    await withLittleRoom(0, async () => {
      const opened = await openImage(path);
      onTestFinished(() => opened.close());
      await change(path);
      expect(await codeOf(inspectLayers(opened))).toBe('DIMGX_SOURCE_CHANGED');
      const good = await fileOf(packed(await archive(), 'gzip'));
      const image = await openImage(good);
      onTestFinished(() => image.close());
      const indexes = await inspectLayers(image);
      await change(good);
      expect(await codeOf(buffer(extractLayers(indexes)))).toBe('DIMGX_SOURCE_CHANGED');
    });
  });

  test.each([
    ['a file', fileOf],
    ['a FIFO', fifoOf],
  ])('ends at once on the signal, out of %s', async (_, made) => {
    const bytes = packed(await archive(), 'gzip');
    await withLittleRoom(40_000, async () => {
      for (let moment = 0; moment < shortOrLong(20, 80); moment++) {
        const path = await made(bytes);
        const [tmpDir, signal] = [await diskFolder(), AbortSignal.timeout(4 * moment)];
        const work = async () => {
          await using image = await openImage(path, { signal, tmpDir });
          const indexes = await inspectLayers(image, { signal, tmpDir });
          await buffer(extractLayers(indexes, { signal, tmpDir }));
        };
        expect(['DIMGX_ABORTED', 'done']).toContain(await codeOf(work()));
        expect(await readdir(tmpDir)).toEqual([]);
      }
    });
  });

  test('out of a FIFO that stays open is given up on the signal', async () => {
    const path = await fifoOf(Buffer.alloc(0));
    const writer = openSync(path, 'r+');
    const bytes = packed(await archive(), 'gzip');
    writeSync(writer, bytes.subarray(0, 60_000));
    for (const free of [100, 2 ** 30]) {
      const failure = await withLittleRoom(free, () => refusal(path, { signal: AbortSignal.timeout(200) }));
      expect(failure.code).toBe('DIMGX_ABORTED');
    }
    closeSync(writer);
  });

  test('counts towards the limit of the size', async () => {
    const bomb = packed(rawTar(rawEntry({ name: 'zeros' }, Buffer.alloc(30_000_000))), 'gzip');
    for (const made of [fileOf, fifoOf]) {
      const failure = await withLittleRoom(1000, async () =>
        refusal(await made(bomb), { limits: { maxSize: 10_000_000 } }),
      );
      expect(failure.code).toBe('DIMGX_LIMIT_SIZE');
    }
  });

  test.each([
    ['no tar', Buffer.alloc(5000, 'x')],
    ['a few bytes', Buffer.from('hello')],
    ['all zeros', Buffer.alloc(10_240)],
    ['empty', Buffer.alloc(0)],
    ['a web page', Buffer.from(`<!DOCTYPE html>${' '.repeat(2000)}`)],
    ['a root filesystem', layers[0] as Buffer],
  ])('is refused as usual if it is %s', async (_, bytes) => {
    const path = await fileOf(packed(bytes, 'gzip'));
    const usual = await refusal(path);
    const failure = await withLittleRoom(100, () => refusal(path));
    expect({ code: failure.code, message: failure.message }).toEqual({ code: usual.code, message: usual.message });
  });

  test('may have many small layers, and its manifest at the end', async () => {
    const many = await Promise.all(
      Array.from({ length: shortOrLong(60, 200) }, (_, i) => layerOf({ [`d/${i}`]: noise(i * 40) })),
    );
    const plain = await archiveOf(dockerArchive([{ layers: many }]));
    const whole = await flattened(await fileOf(plain));
    const path = await fileOf(packed(plain, 'gzip'));
    for (const free of [0, 100_000])
      expect((await withLittleRoom(free, () => flattened(path))).equals(whole)).toBe(true);
  });

  test('has the same listing', async () => {
    const path = await fileOf(packed(await archive(), 'gzip'));
    const sizes = async () => {
      const image = await openImage(path);
      onTestFinished(() => image.close());
      return image.layers.map(({ storedSize, compression }) => ({ storedSize, compression }));
    };
    expect(await withLittleRoom(0, sizes)).toEqual(await sizes());
  });

  test('cannot have a layer that is stored as a sparse file', async () => {
    const members = Object.entries(dockerArchive([{ layers: [layers[2] as Buffer] }]));
    const entries = await Promise.all(
      members.map(async ([name, bytes]) => {
        const contents = Buffer.from(bytes as Uint8Array);
        if (!name.endsWith('layer.tar')) return rawEntry({ name }, contents);
        const head = `1\n0\n${contents.length}\n`.padEnd(512, '\0');
        const records = { major: '1', minor: '0', name, realsize: String(contents.length) };
        const pax = paxHeader(
          Object.fromEntries(Object.entries(records).map(([key, value]) => [`GNU.sparse.${key}`, value])),
        );
        return Buffer.concat([
          pax,
          rawEntry({ name: 'GNUSparseFile.0/x' }, Buffer.concat([Buffer.from(head), contents])),
        ]);
      }),
    );
    const path = await fileOf(packed(rawTar(...entries), 'gzip'));
    expect(await codeOf(flattened(path))).toBe('done');
    expect(await codeOf(withLittleRoom(0, () => flattened(path)))).toBe('DIMGX_SOURCE_NO_SPACE');
  });

  test('needs no temporary folder that can be written to', async () => {
    const path = await fileOf(packed(await archive(), 'gzip'));
    vi.stubEnv('TMPDIR', '/proc');
    const image = await openImage(path);
    expect(image.layers).toHaveLength(layers.length);
    await image.close();
  });
});
