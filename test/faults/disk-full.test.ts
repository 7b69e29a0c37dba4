import { readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { lacks } from '../helpers/engines.js';
import { outcomeOf, startFaulty, undisturbed } from '../helpers/faulty-run.js';
import { few, MOMENTS, moments, WITH_MOMENTS } from '../helpers/moments.js';
import { cannotMount, smallDisk } from '../helpers/mounts.js';
import { type SampleOptions, sampleImage } from '../helpers/sample-image.js';
import { shortOrLong } from '../helpers/short-or-long.js';

vi.setConfig(WITH_MOMENTS);

const LARGE = 1024 * 1024;
/** Size of a write of temporary data, in bytes. */
const WRITE_SIZE = 2 ** 20;
const PAGE = 4096;
const SMALLEST = 16 * PAGE;

/** The sample image, compressed as a whole. */
async function packedSample(options: SampleOptions): Promise<string> {
  const path = await sampleImage(options);
  await writeFile(path, gzipSync(await readFile(path)));
  return path;
}

/** Sizes of a disk, in pages, that are all too small for so many bytes: the last by one page. */
function tooSmall(needed: number): readonly number[] {
  const most = Math.ceil(needed / PAGE) * PAGE - PAGE;
  const sizes = moments(most - SMALLEST, MOMENTS - 1).map((more) => SMALLEST + Math.floor(more / PAGE) * PAGE);
  return [...sizes, most];
}

describe.skipIf(cannotMount())('a disk that is too small for the target, by much or by a page (needs mount)', () => {
  const CASES: readonly (readonly [name: string, args: string, old: boolean])[] = [
    ['a tar out of compressed layers', '-t "$target" "$image"', false],
    ['a compressed tar', '-z -t "$target" "$image"', false],
    ['a tar over an old file', '-w -t "$target" "$image"', true],
    ['a compressed tar over an old file', '-w -z -t "$target" "$image"', true],
    ['a tar', '-t "$target" "$image"', false],
  ];

  test.each(CASES.slice(0, shortOrLong(3, 5)))('%s', async (name, args, old) => {
    const image = await sampleImage({ large: LARGE, gzip: name.includes('layers') });
    const run = { args: args.replace('-z', '-z --log-level error'), image, old };
    const { whole } = await undisturbed(run);
    const length = whole?.length ?? 0;
    for (const size of few(tooSmall(length + (old ? PAGE : 0)))) {
      const disk = await smallDisk(size);
      const outcome = await outcomeOf(await startFaulty({ ...run, target: `${disk}/out.tar` }), whole);
      expect({ size, ...outcome }).toEqual({ size, end: 'DIMGX_TARGET_NO_SPACE', target: old ? 'old' : 'none' });
    }
    const enough = await smallDisk(Math.ceil(length / PAGE + 1) * PAGE);
    const last = await startFaulty({ ...run, target: `${enough}/out.tar` });
    expect(await outcomeOf(last, whole)).toEqual({ end: 'done', target: 'whole' });
  });
});

describe.skipIf(cannotMount())(
  'a disk that is too small for temporary data, by much or by a page (needs mount)',
  () => {
    test.each([
      ['an archive out of a pipe', sampleImage, '--tmp-dir "$tmp" -t "$target" - < <(cat "$image")'],
      ['a compressed archive out of a pipe', packedSample, '--tmp-dir "$tmp" -t "$target" <(cat "$image")'],
    ])('%s', async (_, make, args) => {
      const image = await make({ large: LARGE });
      const run = { args, image };
      const { whole } = await undisturbed(run);
      const needed = (await readFile(image)).length;
      for (const size of few(tooSmall(needed))) {
        const outcome = await outcomeOf(await startFaulty({ ...run, tmp: await smallDisk(size) }), whole);
        expect({ size, ...outcome }).toEqual({ size, end: 'DIMGX_SOURCE_NO_SPACE', target: 'none' });
      }
      const enough = await startFaulty({ ...run, tmp: await smallDisk(needed + 16 * PAGE) });
      expect(await outcomeOf(enough, whole)).toEqual({ end: 'done', target: 'whole' });
    });

    test('says what needs how much', async () => {
      const run = {
        args: '--tmp-dir "$tmp" -t "$target" <(cat "$image")',
        image: await packedSample({ large: LARGE }),
      };
      const { ended, said } = await startFaulty({ ...run, tmp: await smallDisk(SMALLEST) });
      await ended;
      expect(said()).toMatch(
        /DIMGX_SOURCE_NO_SPACE: .*: \/dev\/fd\/\d+ takes more than \d+ bytes; choose another folder/,
      );
    });

    test.each([
      ['compressed layers', (large: number) => sampleImage({ large, gzip: true })],
      ['an archive that is compressed as a whole', (large: number) => packedSample({ large })],
      ['such an archive of compressed layers', (large: number) => packedSample({ large, gzip: true })],
    ])('is enough for %s', async (_, make) => {
      const image = await make(LARGE);
      const run = { args: '--tmp-dir "$tmp" -t "$target" "$image"', image };
      const { whole } = await undisturbed(run);
      for (const size of few(tooSmall(LARGE))) {
        const outcome = await outcomeOf(await startFaulty({ ...run, tmp: await smallDisk(size) }), whole);
        expect({ size, ...outcome }).toEqual({ size, end: 'done', target: 'whole' });
      }
    });
  },
);

describe('a limit of the shell on the size of files', () => {
  test.each([
    ['of a tar', '-t "$target" "$image"', 'DIMGX_TARGET_NO_SPACE'],
    ['of a tar on standard output', '-t - "$image" > "$tmp/../redirected"', 'DIMGX_TARGET_NO_SPACE'],
    ['of temporary data', '-t /dev/null - < <(cat "$image")', 'DIMGX_SOURCE_NO_SPACE'],
  ])('%s is a full disk, too', async (_, args, end) => {
    const image = await sampleImage({ large: LARGE });
    const run = await startFaulty({ args, image, under: 'prlimit --fsize=100000' });
    expect(await outcomeOf(run)).toEqual({ end, target: 'none' });
  });
});

test('a limit of the shell on the size of files is enough for an archive that is compressed as a whole', async () => {
  const run = { args: '-t /dev/null "$image"', image: await packedSample({ large: LARGE }) };
  const outcome = await outcomeOf(await startFaulty({ ...run, under: 'prlimit --fsize=100000' }));
  expect(outcome).toEqual({ end: 'done', target: 'none' });
});

describe.skipIf(lacks('strace'))('what the system says of temporary data (needs strace)', () => {
  test.each(['ENOSPC', 'EDQUOT', 'EIO'])('%s at any one write', async (error) => {
    const image = await sampleImage({ large: LARGE });
    const writes = Math.ceil((await readFile(image)).length / WRITE_SIZE);
    for (const at of few(moments(writes)).map((moment) => 1 + Math.floor(moment))) {
      // strace counts the calls of each thread for itself: here one makes them all.
      const strace = `strace -f -qq -o /dev/null -e trace=pwrite64 -e inject=pwrite64:error=${error}:when=${at}`;
      const under = `env UV_THREADPOOL_SIZE=1 ${strace}`;
      const run = await startFaulty({ args: '--threads 1 -t "$target" - < <(cat "$image")', image, under });
      expect(await outcomeOf(run)).toEqual({ end: 'DIMGX_SOURCE_NO_SPACE', target: 'none' });
    }
  });
});

describe.skipIf(lacks('strace'))('what the system says as the target gets its name (needs strace)', () => {
  const CASES = [
    ['link', 'EIO', '', 'DIMGX_TARGET_UNWRITABLE'],
    ['link', 'EDQUOT', '', 'DIMGX_TARGET_NO_SPACE'],
    ['link', 'EEXIST', '', 'DIMGX_TARGET_EXISTS'],
    ['link', 'EPERM', '', 'done'],
    ['fchmod', 'EPERM', '-w', 'DIMGX_TARGET_UNWRITABLE'],
    ['rename', 'ENOSPC', '-w', 'DIMGX_TARGET_NO_SPACE'],
    ['rename', 'EIO', '-w', 'DIMGX_TARGET_UNWRITABLE'],
    ['link', 'ENOSPC', '', 'DIMGX_TARGET_NO_SPACE'],
  ] as const;

  test.each(CASES.slice(0, shortOrLong(6, 8)))('%s: %s %s', async (call, error, force, end) => {
    const [image, old] = [await sampleImage(), force !== ''];
    const args = `${force} -t "$target" "$image"`;
    const { whole } = await undisturbed({ args, image, old });
    const calls = `/^${call}(at|at2)?$`;
    const under = `strace -f -qq -o /dev/null -e 'trace=${calls}' -e 'inject=${calls}:error=${error}:when=1'`;
    const outcome = await outcomeOf(await startFaulty({ args, image, old, under }), whole);
    expect(outcome).toEqual({ end, target: end === 'done' ? 'whole' : old ? 'old' : 'none' });
  });
});

describe('devices that are always full', () => {
  test.each([
    ['as the target', '-t /dev/full "$image"', 'DIMGX_TARGET_NO_SPACE'],
    ['as standard output of a tar', '-t - "$image" > /dev/full', 'DIMGX_TARGET_NO_SPACE'],
    ['as standard output of a compressed tar', '-z -t - "$image" > /dev/full', 'DIMGX_TARGET_NO_SPACE'],
    ['as standard output of a listing', '"$image" > /dev/full', 'DIMGX_TARGET_NO_SPACE'],
    ['as standard output of a listing as JSON', '--json "$image" > /dev/full', 'DIMGX_TARGET_NO_SPACE'],
  ])('%s', async (_, args, end) => {
    const run = await startFaulty({ args, image: await sampleImage() });
    expect(await outcomeOf(run)).toEqual({ end, target: 'none' });
  });

  test('as standard error disturb nothing', async () => {
    const run = { args: '-v -t "$target" "$image" 2> /dev/full', image: await sampleImage() };
    const { whole } = await undisturbed({ ...run, args: '-t "$target" "$image"' });
    expect(await outcomeOf(await startFaulty(run), whole)).toEqual({ end: 'done', target: 'whole' });
  });
});
