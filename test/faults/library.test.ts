import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { DimgxError } from '#dimgx/errors.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { type FlattenOptions, flatten } from '#dimgx/flatten.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { openImage } from '#dimgx/source/resolve.js';
import { temporaryFolder } from '../helpers/members.js';
import { MOMENTS, moments, WITH_MOMENTS } from '../helpers/moments.js';
import { sampleImage } from '../helpers/sample-image.js';

vi.setConfig(WITH_MOMENTS);

/*
 * Within one process, as a program that embeds the library sees it. Rejections that nobody handles fail the run: Vitest
 * listens for them.
 */

const LARGE = 3 * 1024 * 1024;

interface Round {
  readonly image: string;
  readonly target: string;
  readonly options: FlattenOptions;
}

/** Runs work to its end many times over, told when to disturb it, and looks at what each run left of it. */
async function rounds(
  work: (round: Round) => Promise<unknown>,
  disturbed: (round: Round, moment: number) => Promise<unknown>,
): Promise<readonly string[]> {
  const folder = await temporaryFolder();
  const tmpDir = join(folder, 'tmp');
  await mkdir(tmpDir);
  const image = await sampleImage({ large: LARGE, gzip: true });
  const round = (name: string): Round => ({ image, target: join(folder, name), options: { tmpDir } });
  await work(round('first'));
  const threads = await threadCount();
  const begun = performance.now();
  await work(round('whole'));
  const length = performance.now() - begun;
  const whole = await readFile(join(folder, 'whole')).catch(() => undefined);
  const ends: string[] = [];
  for (const [at, moment] of moments(length, MOMENTS * 2).entries()) {
    const { target } = round(`${at}`);
    const end = await disturbed(round(`${at}`), moment).then(
      () => 'done',
      (error: unknown) => (error instanceof DimgxError ? error.code : `${error}`),
    );
    ends.push(end);
    expect(await readdir(tmpDir)).toEqual([]);
    const bytes = await readFile(target).catch(() => undefined);
    if (bytes && whole) expect(bytes.equals(whole)).toBe(true);
    expect(bytes !== undefined).toBe(end === 'done' && whole !== undefined);
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
    await expect.poll(() => openBelow([folder, image])).toEqual([]);
    await expect.poll(threadCount).toBeLessThanOrEqual(threads);
  }
  return ends;
}

/** Descriptors of this process that lead to what a test has made. */
async function openBelow(places: readonly string[]): Promise<readonly string[]> {
  const fds = await readdir('/proc/self/fd');
  const links = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return links.filter((link) => places.some((place) => link.startsWith(place)));
}

async function threadCount(): Promise<number> {
  return (await readdir('/proc/self/task')).length;
}

describe.skipIf(process.platform !== 'linux')('nothing stays open, running, or lying about (needs /proc)', () => {
  test('when the caller cancels at any moment', async () => {
    const work = ({ image, target, options }: Round) => flatten(image, target, options);
    const ends = await rounds(work, async ({ options, ...round }, moment) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), moment);
      return work({ ...round, options: { ...options, signal: controller.signal } });
    });
    expect(ends.filter((end) => !['done', 'DIMGX_ABORTED'].includes(end))).toEqual([]);
    expect(ends).toContain('DIMGX_ABORTED');
  });

  test('when it had cancelled before', async () => {
    const work = ({ image, target, options }: Round) => flatten(image, target, options);
    const ends = await rounds(work, async ({ options, ...round }) =>
      work({ ...round, options: { ...options, signal: AbortSignal.abort() } }),
    );
    expect(new Set(ends)).toEqual(new Set(['DIMGX_ABORTED']));
  });

  test.each(['destroyed without a word', 'destroyed with an error', 'failing in its write'])(
    'when the stream that it writes to is %s',
    async (how) => {
      const ends = await rounds(
        async ({ image, options }) => flatten(image, new PassThrough().resume(), options),
        async ({ image, options }, moment) => {
          let fails = false;
          const stream = new Writable({
            write: (_piece, _encoding, callback) => callback(fails ? new Error('no more') : null),
          });
          setTimeout(() => {
            fails = how === 'failing in its write';
            if (!fails) stream.destroy(how === 'destroyed with an error' ? new Error('gone') : undefined);
          }, moment);
          return flatten(image, stream, options);
        },
      );
      expect(ends.filter((end) => !['done', 'DIMGX_TARGET_CLOSED', 'DIMGX_TARGET_UNWRITABLE'].includes(end))).toEqual(
        [],
      );
      expect(ends.filter((end) => end !== 'done')).not.toEqual([]);
    },
  );

  test('when the stream that it writes to could not be opened', async () => {
    const [folder, image] = [await temporaryFolder(), await sampleImage()];
    const stream = createWriteStream(join(folder, 'missing', 'out.tar'));
    await expect(flatten(image, stream)).rejects.toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
  });

  test('when an image is closed while it is read', async () => {
    const read = async ({ image: reference, options }: Round, moment?: number) => {
      const image = await openImage(reference, options);
      const closing = moment === undefined ? undefined : sleep(moment).then(() => image.close());
      try {
        const layers = await inspectLayers(image, options);
        await pipeline(extractLayers(layers), new PassThrough().resume());
      } finally {
        await closing;
        await image.close();
      }
    };
    const ends = await rounds(read, read);
    expect(ends.filter((end) => !['done', 'DIMGX_ABORTED', 'DIMGX_SOURCE_UNREADABLE'].includes(end))).toEqual([]);
  });

  test('when the reader of the tar goes away', async () => {
    const read = async ({ image: reference, options }: Round, moment?: number) => {
      const image = await openImage(reference, options);
      try {
        const tar = extractLayers(await inspectLayers(image, options));
        if (moment !== undefined) setTimeout(() => tar.destroy(), moment / 4);
        for await (const piece of tar) if (piece.length === 0) break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
      } finally {
        await image.close();
      }
    };
    expect(new Set(await rounds(read, read))).toEqual(new Set(['done']));
  });
});
