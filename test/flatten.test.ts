import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DimgxError, type Warning } from '#dimgx/errors.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { type FlattenOptions, flatten } from '#dimgx/flatten.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import type { Progress } from '#dimgx/options.js';
import { layerOf } from './helpers/built-image.js';
import { dockerArchive } from './helpers/docker-archive.js';
import { temporaryFolder, writeArchive } from './helpers/members.js';
import { opened } from './helpers/opened.js';
import { damaged, type SampleOptions, sampleImage } from './helpers/sample-image.js';
import { shortOrLong } from './helpers/short-or-long.js';

const MB = 1024 * 1024;

async function target(): Promise<{ folder: string; path: string }> {
  const folder = await temporaryFolder();
  return { folder, path: `${folder}/out.tar` };
}

async function expectedTar(archive: string): Promise<Buffer> {
  const { path } = await target();
  await flatten(archive, path, { verify: false });
  return readFile(path);
}

/** A stream that keeps what it gets. */
function collector() {
  const pieces: Buffer[] = [];
  const stream = new Writable({
    write(piece: Buffer, _encoding, callback) {
      pieces.push(piece);
      callback();
    },
  });
  return { stream, bytes: () => Buffer.concat(pieces) };
}

/** An image whose layers cannot be merged: a hard link without a target. */
async function unmergeable(): Promise<string> {
  const layer = await layerOf([['link', { type: 'link', linkname: 'nowhere' }]]);
  return writeArchive(dockerArchive([{ layers: [layer] }]));
}

/** The sample as a compressed archive, which has to be spooled. */
async function compressedArchive(large: number): Promise<string> {
  const path = `${await temporaryFolder()}/image.tar.gz`;
  await writeFile(path, gzipSync(await readFile(await sampleImage({ large }))));
  return path;
}

/** Descriptors and threads of this process. */
async function held() {
  const [descriptors, threads] = await Promise.all([readdir('/proc/self/fd'), readdir('/proc/self/task')]);
  return { descriptors: descriptors.length, threads: threads.length };
}

/** The same, when threads that are ending have ended. */
async function heldForGood() {
  for (let last = await held(); ; ) {
    await sleep(200);
    const now = await held();
    if (isDeepStrictEqual(now, last)) return now;
    last = now;
  }
}

/** Runs the work once, for what Node itself keeps; then again and again, after which nothing more may be held. */
async function expectAllGivenBack(work: () => Promise<unknown>, times = 1): Promise<void> {
  await work();
  const before = await heldForGood();
  for (let i = 0; i < times; i++) await work();
  await expect.poll(held, { timeout: 10_000 }).toEqual(before);
}

/** Rejections that nobody handles, until the test is over. */
function unhandled(): unknown[] {
  const seen: unknown[] = [];
  const listen = (reason: unknown) => seen.push(reason);
  process.on('unhandledRejection', listen);
  onTestFinished(() => void process.removeListener('unhandledRejection', listen));
  return seen;
}

const nextTurns = () => new Promise((resolve) => setTimeout(resolve, 50));

describe('a file', () => {
  test.each([0, 1, 6, 9])('compressed with level %i is what gzip and tar take', async (level) => {
    const { path } = await target();
    const archive = await sampleImage();
    const { bytes } = await flatten(archive, `${path}.gz`, { level });
    execFileSync('gzip', ['-t', `${path}.gz`]);
    expect(execFileSync('tar', ['tzf', `${path}.gz`]).toString()).toBe('etc/\netc/hello\netc/new\n');
    expect(execFileSync('gzip', ['-dc', `${path}.gz`]).equals(await expectedTar(archive))).toBe(true);
    expect((await readFile(`${path}.gz`)).length).toBe(bytes);
  });

  test('is the same bytes every time, compressed or not', async () => {
    const { path } = await target();
    const archive = await sampleImage({ large: 5 * MB, gzip: true });
    await flatten(archive, `${path}.gz`);
    await flatten(archive, `${path}.again.gz`, { threads: 1 });
    expect((await readFile(`${path}.gz`)).equals(await readFile(`${path}.again.gz`))).toBe(true);
    // RFC 1952: neither flags nor a time.
    expect((await readFile(`${path}.gz`)).subarray(3, 8)).toEqual(Buffer.alloc(5));
  });

  test('is counted', async () => {
    const { path } = await target();
    const archive = await sampleImage();
    const { bytes, entries, layers, warnings, source } = await flatten(archive, path);
    expect(bytes).toBe((await readFile(path)).length);
    expect({ entries, warnings }).toEqual({ entries: 3, warnings: [] });
    expect(layers.map((layer) => [layer.entries, layer.written])).toEqual([
      [2, 1],
      [3, 2],
    ]);
    expect(source).toEqual({ transport: 'docker-archive', location: archive });
  });
});

describe('a stream', () => {
  test.each([{}, { compression: 'gzip', level: 1 }] as const)('gets the tar and is ended, %o', async (options) => {
    const { stream, bytes } = collector();
    const archive = await sampleImage({ large: 5 * MB });
    const result = await flatten(archive, stream, options);
    expect(stream.writableFinished).toBe(true);
    expect(result.bytes).toBe(bytes().length);
    const tar = 'compression' in options ? execFileSync('gunzip', { input: bytes(), maxBuffer: 8 * MB }) : bytes();
    expect(tar.equals(await expectedTar(archive))).toBe(true);
  });

  test('that is slow is not run ahead of', async () => {
    const large = shortOrLong(16, 48) * MB;
    let taken = 0;
    let furthest = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write(piece: Buffer, _encoding, callback) {
        taken += piece.length;
        setTimeout(callback, 2);
      },
    });
    const onProgress = ({ stage, done }: Progress) => {
      if (stage === 'extract') furthest = Math.max(furthest, done - taken);
    };
    await flatten(await sampleImage({ large }), slow, { onProgress });
    expect(taken).toBeGreaterThan(large);
    expect(furthest).toBeLessThanOrEqual(6 * MB);
  });

  test('that fails ends the work with its error as the cause', async () => {
    const cause = new Error('the dog ate it');
    const failing = new Writable({ write: (_piece, _encoding, callback) => callback(cause) });
    const failure = flatten(await sampleImage(), failing);
    await expect(failure).rejects.toMatchObject({ name: 'DimgxError', code: 'DIMGX_TARGET_UNWRITABLE', cause });
  });

  test('that is destroyed is a reader that went away', async () => {
    const gone: Writable = new Writable({ write: () => void gone.destroy() });
    await expect(flatten(await sampleImage(), gone)).rejects.toMatchObject({ code: 'DIMGX_TARGET_CLOSED' });
  });

  test('that takes nothing more can be cancelled', async () => {
    const controller = new AbortController();
    const stuck = new Writable({ write: () => void setImmediate(() => controller.abort()) });
    const failure = flatten(await sampleImage({ large: 5 * MB }), stuck, { signal: controller.signal });
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    expect(stuck.destroyed).toBe(true);
  });
});

describe('cancelling', () => {
  const cases: [Progress['stage'], FlattenOptions, () => Promise<string>][] = [
    ['open', {}, () => compressedArchive(5 * MB)],
    ['inspect', { threads: 2 }, () => sampleImage({ large: 12 * MB, gzip: true })],
    ['verify', { threads: 2 }, () => sampleImage({ large: shortOrLong(12, 24) * MB })],
    ['extract', {}, () => sampleImage({ large: 5 * MB })],
    ['extract', { compression: 'gzip' }, () => sampleImage({ large: 5 * MB })],
  ];

  test.each(cases)('while the stage is %s, with %o, gives everything back', async (stage, options, image) => {
    const [archive, { folder, path }] = [await image(), await target()];
    await expectAllGivenBack(
      async () => {
        const controller = new AbortController();
        const reason = new Error('enough');
        const onProgress = (progress: Progress) => {
          if (progress.stage === stage) controller.abort(reason);
        };
        const failure = flatten(archive, path, { ...options, signal: controller.signal, onProgress });
        await expect(failure).rejects.toMatchObject({ name: 'DimgxError', code: 'DIMGX_ABORTED' });
        expect(await readdir(folder)).toEqual([]);
      },
      shortOrLong(3, 10),
    );
  });

  test('before it begins', async () => {
    const { folder, path } = await target();
    const signal = AbortSignal.abort();
    await expect(flatten(await sampleImage(), path, { signal })).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    const image = await opened(await sampleImage());
    await expect(inspectLayers(image, { signal })).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    const stream = extractLayers(await inspectLayers(image), { signal });
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    expect(await readdir(folder)).toEqual([]);
  });

  test('at any turn of the event loop', async () => {
    const [archive, { folder, path }] = [await sampleImage({ large: 5 * MB, gzip: true }), await target()];
    const seen = unhandled();
    await expectAllGivenBack(async () => {
      for (let turns = 0; turns < 40; turns += shortOrLong(8, 1)) {
        const controller = new AbortController();
        const failure = flatten(archive, path, { signal: controller.signal });
        failure.catch(() => undefined);
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        controller.abort();
        await expect(failure).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
      }
    });
    expect(await readdir(folder)).toEqual([]);
    expect(seen).toEqual([]);
  });

  test('a stream of extractLayers that nobody reads', async () => {
    const controller = new AbortController();
    const image = await opened(await sampleImage({ large: 5 * MB }));
    const stream = extractLayers(await inspectLayers(image), { signal: controller.signal });
    const failed = new Promise((resolve) => stream.once('error', resolve));
    controller.abort();
    expect(await failed).toMatchObject({ code: 'DIMGX_ABORTED' });
  });
});

describe('failing', () => {
  const cases: [string, string, FlattenOptions, () => Promise<string>][] = [
    ['a damaged layer', 'DIMGX_IMAGE_DIGEST_MISMATCH', {}, async () => damaged(await sampleImage())],
    [
      'a damaged layer that is hashed in a thread',
      'DIMGX_IMAGE_DIGEST_MISMATCH',
      {},
      async () => damaged(await sampleImage({ large: 5 * MB })),
    ],
    ['layers that cannot be merged', 'DIMGX_ENTRY_BAD_LINK', {}, unmergeable],
    ['too many entries', 'DIMGX_LIMIT_ENTRIES', { limits: { maxEntries: 2 } }, sampleImage],
    [
      'layers that are too large once decoded',
      'DIMGX_LIMIT_SIZE',
      { limits: { maxSize: 2 * MB } },
      () => sampleImage({ large: 5 * MB, gzip: true }),
    ],
    [
      'an archive that is too large once decoded',
      'DIMGX_LIMIT_SIZE',
      { limits: { maxSize: 2 * MB } },
      () => compressedArchive(5 * MB),
    ],
    [
      'a temporary folder that is missing, for layers',
      'DIMGX_SOURCE_NO_SPACE',
      { tmpDir: '/missing/folder' },
      () => sampleImage({ gzip: true }),
    ],
    [
      'a temporary folder that is missing, for an archive',
      'DIMGX_SOURCE_NO_SPACE',
      { tmpDir: '/missing/folder' },
      () => compressedArchive(1),
    ],
  ];

  test.each(cases)('of %s is %s, and gives everything back', async (_, code, options, image) => {
    const [archive, { folder, path }] = [await image(), await target()];
    const seen = unhandled();
    await expectAllGivenBack(async () => {
      await expect(flatten(archive, path, options)).rejects.toMatchObject({ name: 'DimgxError', code });
      await expect(flatten(archive, collector().stream, options)).rejects.toMatchObject({ code });
      expect(await readdir(folder)).toEqual([]);
    });
    await nextTurns();
    expect(seen).toEqual([]);
  });

  test('verification that is turned off lets a damaged layer pass', async () => {
    const { stream, bytes } = collector();
    await flatten(await damaged(await sampleImage()), stream, { verify: false });
    expect(bytes().includes('World\n')).toBe(true);
  });

  test.each(['open', 'inspect', 'verify', 'extract'] as const)('an onProgress that throws at %s', async (stage) => {
    const seen = unhandled();
    const { folder, path } = await target();
    const archive = stage === 'open' ? await compressedArchive(1) : await sampleImage({ large: 5 * MB });
    const mistake = new Error('mistake');
    const onProgress = (progress: Progress) => {
      if (progress.stage === stage) throw mistake;
    };
    const failure = {
      code: 'DIMGX_CALLBACK_FAILED',
      message: 'the callback onProgress failed: mistake',
      cause: mistake,
    };
    await expect(flatten(archive, path, { onProgress })).rejects.toMatchObject(failure);
    await expect(flatten(archive, collector().stream, { onProgress })).rejects.toMatchObject(failure);
    expect(await readdir(folder)).toEqual([]);
    await nextTurns();
    expect(seen).toEqual([]);
  });
});

describe('progress', () => {
  test.each<[string, SampleOptions]>([
    ['small layers', {}],
    ['layers for threads', { large: 12 * MB }],
    ['compressed layers', { large: 12 * MB, gzip: true }],
  ])('never goes back, and every stage is complete: %s', async (_, sample) => {
    const [archive, last] = [await sampleImage(sample), new Map<string, Progress>()];
    const onProgress = (progress: Progress) => {
      const key = `${progress.stage} ${progress.item}`;
      expect(progress.done).toBeGreaterThanOrEqual(last.get(key)?.done ?? 0);
      expect(progress.done).toBeLessThanOrEqual(progress.total ?? Number.POSITIVE_INFINITY);
      last.set(key, progress);
    };
    const { path } = await target();
    await flatten(archive, path, { onProgress });
    const stages = new Set([...last.values()].map(({ stage }) => stage));
    expect([...stages].sort()).toEqual(sample.gzip ? ['extract', 'inspect'] : ['extract', 'inspect', 'verify']);
    for (const { done, total } of last.values()) expect(done).toBe(total);
  });

  test('of a stream counts what was read, without a total', async () => {
    const archive = await compressedArchive(3 * MB);
    const seen: Progress[] = [];
    await flatten(archive, collector().stream, { onProgress: (progress) => void seen.push(progress) });
    const open = seen.filter(({ stage }) => stage === 'open');
    expect(open.length).toBeGreaterThan(2);
    expect(open.map(({ done }) => done)).toEqual(open.map(({ done }) => done).toSorted((a, b) => a - b));
    expect(open.at(-1)).toMatchObject({ item: archive, total: undefined });
    expect(open.at(-1)?.done).toBeGreaterThan(3 * MB);
  });
});

describe('warnings', () => {
  const odd = async () => {
    const layer = await layerOf([
      ['a', '1'],
      ['a', '2'],
    ]);
    return writeArchive(dockerArchive([{ layers: [layer] }]));
  };

  test('are told as they come, and stand in the result', async () => {
    const told: Warning[] = [];
    const { path } = await target();
    const { warnings } = await flatten(await odd(), path, { onWarning: (warning) => void told.push(warning) });
    expect(told.map(({ code }) => code)).toEqual(['DIMGX_ENTRY_DUPLICATE']);
    expect(warnings).toEqual(told);
  });

  test('are errors with strictInput', async () => {
    const { folder, path } = await target();
    const failure = flatten(await odd(), path, { strictInput: true });
    await expect(failure).rejects.toMatchObject({ name: 'DimgxError', code: 'DIMGX_ENTRY_DUPLICATE', exitCode: 2 });
    expect(await readdir(folder)).toEqual([]);
  });
});

test('two at once do not disturb each other', async () => {
  const [one, two, { path }] = [
    await sampleImage({ large: 5 * MB, gzip: true }),
    await sampleImage({ large: 7 * MB, gzip: true }),
    await target(),
  ];
  await Promise.all([flatten(one, `${path}.1`), flatten(two, `${path}.2`), flatten(one, `${path}.3`)]);
  expect((await readFile(`${path}.1`)).equals(await expectedTar(one))).toBe(true);
  expect((await readFile(`${path}.2`)).equals(await expectedTar(two))).toBe(true);
  expect((await readFile(`${path}.3`)).equals(await expectedTar(one))).toBe(true);
});

test('spools go to the temporary folder that is given, and have no name there', async () => {
  const folder = await temporaryFolder();
  await mkdir(`${folder}/spools`);
  const archive = `${folder}/image.tar.gz`;
  await writeFile(archive, gzipSync(await readFile(await sampleImage({ large: 5 * MB }))));
  let descriptors: string[] = [];
  const onProgress = ({ stage }: Progress) => {
    if (stage === 'extract' && descriptors.length === 0) descriptors = openFilesIn(`${folder}/spools`);
  };
  await flatten(archive, `${folder}/out.tar`, { tmpDir: `${folder}/spools`, onProgress });
  expect(descriptors.length).toBe(1);
  expect(descriptors.every((name) => name.endsWith(' (deleted)'))).toBe(true);
  expect(openFilesIn(`${folder}/spools`)).toEqual([]);
});

function openFilesIn(folder: string): string[] {
  const descriptors = readdirSync('/proc/self/fd');
  return descriptors.map(linkOf).filter((link) => link.startsWith(`${folder}/`));
}

/** Other threads may close a descriptor meanwhile. */
function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}

describe('extractLayers', () => {
  test('fails with what cannot be merged, when it is read', async () => {
    const image = await opened(await unmergeable());
    const stream = extractLayers(await inspectLayers(image));
    await nextTurns();
    await expect(buffer(stream)).rejects.toMatchObject({ name: 'DimgxError', code: 'DIMGX_ENTRY_BAD_LINK' });
  });

  test('fails of a damaged layer without the end mark', async () => {
    const seen = unhandled();
    const archive = await damaged(await sampleImage({ large: 5 * MB }));
    const image = await opened(archive);
    const layers = await inspectLayers(image);
    await nextTurns();
    const pieces: Buffer[] = [];
    const reading = (async () => {
      for await (const piece of extractLayers(layers)) pieces.push(piece);
    })();
    await expect(reading).rejects.toBeInstanceOf(DimgxError);
    await expect(reading).rejects.toMatchObject({ code: 'DIMGX_IMAGE_DIGEST_MISMATCH' });
    expect(Buffer.concat(pieces).length).toBe((await expectedTar(archive)).length - 1024);
    expect(seen).toEqual([]);
  });

  test('may be left in the middle', async () => {
    const archive = await sampleImage({ large: 12 * MB });
    const seen = unhandled();
    await expectAllGivenBack(async () => {
      const image = await opened(archive);
      for await (const piece of extractLayers(await inspectLayers(image))) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      await image.close();
      await image.close();
    });
    expect(seen).toEqual([]);
  });

  test('fails with a code when the image was closed under it', async () => {
    const image = await opened(await sampleImage({ large: 12 * MB }));
    const stream = extractLayers(await inspectLayers(image, { verify: false }));
    await image.close();
    await expect(buffer(stream)).rejects.toMatchObject({ name: 'DimgxError' });
  });

  test('does not read the layers of an image that has been closed', async () => {
    const image = await opened(await sampleImage({}));
    await image.close();
    await expect(inspectLayers(image)).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
  });
});
