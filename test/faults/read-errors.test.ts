import { writeFileSync } from 'node:fs';
import { copyFile, cp, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { flatten } from '#dimgx/flatten.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import type { Progress } from '#dimgx/options.js';
import { layerOf } from '../helpers/built-image.js';
import { lacks } from '../helpers/engines.js';
import { type FaultyRun, outcomeOf, startFaulty, undisturbed } from '../helpers/faulty-run.js';
import { temporaryFolder, writeFolder } from '../helpers/members.js';
import { few, moments, WITH_MOMENTS } from '../helpers/moments.js';
import { breakableDisk, cannotMount } from '../helpers/mounts.js';
import { ociLayout } from '../helpers/oci-layout.js';
import { opened } from '../helpers/opened.js';
import { noise, sampleImage } from '../helpers/sample-image.js';
import { shortOrLong } from '../helpers/short-or-long.js';

vi.setConfig(WITH_MOMENTS);

const LARGE = 4 * 1024 * 1024;
const END_MARK = 1024;

describe('a stream that ends too early', () => {
  test.each([
    ['standard input', '-t "$target" - < <(head -c $cut "$image")', false],
    ['a FIFO', '-t "$target" <(head -c $cut "$image")', false],
    ['a compressed stream', '-t "$target" <(head -c $cut "$image.gz")', false],
    ['a stream of compressed layers', '-t "$target" - < <(head -c $cut "$image")', true],
  ])('%s', async (_, args, gzip) => {
    const image = await sampleImage({ large: LARGE, gzip });
    await writeFile(`${image}.gz`, gzipSync(await readFile(image), { level: 1 }));
    const { whole } = await undisturbed({ args: '-t "$target" "$image"', image });
    const { size } = await stat(args.includes('.gz') ? `${image}.gz` : image);
    for (const cut of few(moments(size - END_MARK)).map(Math.floor)) {
      const { end, target } = await outcomeOf(
        await startFaulty({ args: args.replace('$cut', `${cut}`), image }),
        whole,
      );
      expect(end, `cut at ${cut}`).toMatch(/^DIMGX_(TAR|SOURCE|COMPRESSION)_/);
      expect(target).toBe('none');
    }
  });

  test('by an error of its own is not waited for, though its other end stays open', async () => {
    const run = await startFaulty({ args: '--max-size 100000 -t "$target" -', image: '', stdin: 'pipe' });
    run.child.stdin?.write(Buffer.alloc(2 * 1024 * 1024));
    expect(await outcomeOf(run)).toEqual({ end: 'DIMGX_LIMIT_SIZE', target: 'none' });
  });
});

/** Does something to a copy of the image at moments spread over a run. @returns how the runs ended */
async function atMoments(
  make: () => Promise<string>,
  args: string,
  disturb: (image: string, run: FaultyRun, moment: number) => Promise<unknown>,
): Promise<readonly string[]> {
  const original = await make();
  const { whole, length } = await undisturbed({ args, image: original });
  const ends: string[] = [];
  for (const moment of few(moments(length))) {
    const image = join(await temporaryFolder(), 'image');
    await cp(original, image, { recursive: true });
    const run = await startFaulty({ args, image });
    await sleep(moment);
    await disturb(image, run, moment / length);
    ends.push((await outcomeOf(run, whole)).end);
  }
  return ends;
}

const PLAIN = '-t "$target" "$image"';
const SLOWLY = '-z --log-level error -t "$target" "$image"';

describe('an archive that changes while it is read', () => {
  type Case = readonly [name: string, args: string, gzip: boolean];
  const plainly: Case = ['uncompressed layers', PLAIN, false];
  const slowly: Case = ['uncompressed layers into a compressed tar', SLOWLY, false];
  const compressed: Case = ['compressed layers', PLAIN, true];
  const all = [plainly, slowly, compressed];

  test.each(shortOrLong([plainly, compressed], all))('becomes shorter: %s', async (_, args, gzip) => {
    const ends = await atMoments(
      () => sampleImage({ large: LARGE, gzip }),
      args,
      (image, _run, part) => truncate(image, Math.floor(LARGE * (1 - part))),
    );
    expect(new Set(ends).size).toBeGreaterThan(0);
    expect(ends.filter((end) => !/^(done|DIMGX_(TAR|SOURCE|IMAGE|COMPRESSION)_.*)$/.test(end))).toEqual([]);
  });

  test.each(shortOrLong([slowly, compressed], all))('is overwritten where it stands: %s', async (_, args, gzip) => {
    const ends = await atMoments(() => sampleImage({ large: LARGE, gzip }), args, overwrite);
    expect(ends.filter((end) => !/^(done|DIMGX_(TAR|SOURCE|IMAGE|COMPRESSION)_.*)$/.test(end))).toEqual([]);
  });

  test('is replaced by another: it is read on', async () => {
    const ends = await atMoments(
      () => sampleImage({ large: LARGE }),
      PLAIN,
      async (image) => {
        await writeFile(`${image}.new`, 'another');
        await rename(`${image}.new`, image);
      },
    );
    expect(
      ends.filter(
        (end) => !['done', 'DIMGX_SOURCE_NOT_AN_IMAGE', 'DIMGX_TAR_NOT_A_TAR', 'DIMGX_TAR_TRUNCATED'].includes(end),
      ),
    ).toEqual([]);
  });

  test('once it has been hashed, and before it has been copied: an error, and no end mark', async () => {
    const archive = await sampleImage({ large: LARGE });
    const layers = await inspectLayers(await opened(archive));
    await Promise.all(layers.map(({ verified }) => verified));
    await overwrite(archive);
    await expect(buffer(extractLayers(layers))).rejects.toMatchObject({ code: 'DIMGX_SOURCE_CHANGED' });
  });

  test('without verification, too', async () => {
    const folder = await temporaryFolder();
    const archive = await sampleImage({ large: LARGE });
    const onProgress = ({ stage }: Progress) => {
      if (stage === 'extract') writeFileSync(archive, Buffer.alloc(LARGE * 2, 'x'), { flag: 'r+' });
    };
    const failure = flatten(archive, join(folder, 'out.tar'), { verify: false, onProgress });
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_SOURCE_CHANGED' });
    expect(await readdir(folder)).toEqual([]);
  });
});

/** Puts other bytes where the large file's were; the archive stays as long as it is. */
async function overwrite(archive: string): Promise<void> {
  const file = await open(archive, 'r+');
  await file.write(Buffer.alloc(LARGE, 'x'), 0, LARGE, 4096);
  await file.close();
}

describe('a layer of a directory', () => {
  const layout = async () => {
    const layers = [await layerOf({ large: noise(LARGE) }), await layerOf({ small: 'x' })];
    return writeFolder(ociLayout([{ layers }]));
  };
  const largest = async (image: string) => {
    const folder = join(image, 'blobs/sha256');
    const sizes = await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size));
    return join(folder, (await readdir(folder))[sizes.indexOf(Math.max(...sizes))] as string);
  };

  test.each(shortOrLong([SLOWLY], [PLAIN, SLOWLY]))('is removed while it is read: %s', async (args) => {
    const ends = await atMoments(layout, args, async (image) => rm(await largest(image)));
    expect(ends.filter((end) => !['done', 'DIMGX_SOURCE_MISSING_BLOB'].includes(end))).toEqual([]);
  });

  test.each(shortOrLong([PLAIN], [PLAIN, SLOWLY]))('is truncated while it is read: %s', async (args) => {
    const ends = await atMoments(layout, args, async (image, _, part) =>
      truncate(await largest(image), Math.floor(LARGE * (1 - part))),
    );
    expect(ends.filter((end) => !/^(done|DIMGX_SOURCE_CHANGED|DIMGX_(TAR|IMAGE)_.*)$/.test(end))).toEqual([]);
  });
});

describe('a disk that cannot be read any more', () => {
  const DISK = 12 * 1024 * 1024;
  test.skipIf(cannotMount() || lacks('mke2fs')).each([
    ['uncompressed layers', '-t "$target" "$image"', false],
    ['compressed layers', '-t "$target" "$image"', true],
    ['standard input', '-t "$target" - < "$image"', false],
    ['a compressed archive', '-t "$target" "$image.gz"', false],
  ])('from some point on: %s (needs mount and mke2fs)', async (_, args, gzip) => {
    const original = await sampleImage({ large: LARGE, gzip });
    const { whole } = await undisturbed({ args: '-t "$target" "$image"', image: original });
    const ends: string[] = [];
    for (const lost of moments(DISK * 0.7)) {
      const disk = await breakableDisk(DISK, async (folder) => {
        await copyFile(original, join(folder, 'image'));
        if (args.includes('.gz'))
          await writeFile(join(folder, 'image.gz'), gzipSync(await readFile(original), { level: 1 }));
      });
      await disk.loseFrom(Math.floor(DISK * 0.05 + lost));
      const outcome = await outcomeOf(await startFaulty({ args, image: join(disk.folder, 'image') }), whole);
      ends.push(outcome.end);
    }
    // Where the loss begins, in the midst of a block, zeros may be read; digests tell.
    const lies = /^DIMGX_(IMAGE|TAR|COMPRESSION)_|^done$/;
    expect(ends.filter((end) => end !== 'DIMGX_SOURCE_UNREADABLE' && !lies.test(end))).toEqual([]);
    expect(ends).toContain('DIMGX_SOURCE_UNREADABLE');
  });

  test.skipIf(lacks('strace')).each([
    ['uncompressed layers', '-t "$target" "$image"', false],
    ['compressed layers', '-t "$target" "$image"', true],
    ['a listing', '"$image"', false],
  ])('at any one read: %s (needs strace)', async (_, args, gzip) => {
    const image = await sampleImage({ large: LARGE, gzip });
    const { whole } = await undisturbed({ args, image });
    const reads = '/^preadv?(64)?2?$';
    const trace = join(await temporaryFolder(), 'trace');
    const under = `strace -f -qq -P "$image" -o ${trace} -e 'trace=${reads}'`;
    await undisturbed({ args, image, under });
    const count = (await readFile(trace, 'latin1')).split('\n').filter((line) => line.includes('pread')).length;
    expect(count).toBeGreaterThan(5);
    for (const at of few(moments(Math.floor(count / 3))).map((moment) => 1 + Math.floor(moment))) {
      const run = await startFaulty({ args, image, under: `${under} -e 'inject=${reads}:error=EIO:when=${at}'` });
      const { end } = await outcomeOf(run, whole);
      // Each thread counts for itself: the last may not read so often.
      expect(['done', 'DIMGX_SOURCE_UNREADABLE'], `read ${at} of ${count}`).toContain(end);
    }
  });
});
