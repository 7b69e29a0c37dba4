import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { lacks } from '../helpers/engines.js';
import { type FaultyRun, outcomeOf, startFaulty, undisturbed } from '../helpers/faulty-run.js';
import { few, MOMENTS, moments, WITH_MOMENTS } from '../helpers/moments.js';
import { breakableDisk, cannotMount } from '../helpers/mounts.js';
import { sampleImage } from '../helpers/sample-image.js';

vi.setConfig(WITH_MOMENTS);

const LARGE = 4 * 1024 * 1024;
/** In milliseconds since a run began to write. In the short form the first alone: a quick run may be over by the next. */
const WRITING = moments(150).slice(0, MOMENTS > 2 ? MOMENTS : 1);

/** Waits until the run has begun to write beside its target, then a little longer. @returns whether it is still at it */
async function whileWriting({ child, target, ended }: FaultyRun, longer: number): Promise<boolean> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!over && (await readdir(dirname(target))).every((name) => !name.endsWith('.part'))) await sleep(1);
  await sleep(longer);
  return child.exitCode === null;
}

/** Does something to the target's folder at several moments of the writing, and hands each run over to be judged. */
async function atMoments(
  args: string,
  disturb: (run: FaultyRun) => Promise<unknown>,
  judge: (run: FaultyRun, whole: Buffer | undefined) => Promise<void>,
): Promise<void> {
  const image = await sampleImage({ large: LARGE });
  const { whole } = await undisturbed({ args, image });
  let met = 0;
  for (const moment of WRITING) {
    const run = await startFaulty({ args, image });
    if (await whileWriting(run, moment)) {
      await disturb(run);
      met++;
    }
    await judge(run, whole);
  }
  expect(met).toBeGreaterThan(0);
}

const ARGS = '-z --log-level error -t "$target" "$image"';

describe('the folder of the target, while it is written', () => {
  test('is removed: an error', async () => {
    await atMoments(
      ARGS,
      ({ target }) => rm(dirname(target), { recursive: true }),
      async (run, whole) => {
        // In the moment between publishing and ending the target goes with its folder.
        if ((await run.ended).code === 0) return;
        expect(await outcomeOf(run, whole)).toEqual({ end: 'DIMGX_TARGET_UNWRITABLE', target: 'none' });
      },
    );
  });

  test('is renamed: an error, and nothing stays in it', async () => {
    await atMoments(
      ARGS,
      ({ folder, target }) => rename(dirname(target), join(folder, 'moved')),
      async (run, whole) => {
        const { code } = await run.ended;
        const moved = join(run.folder, 'moved');
        const left = await readdir(moved).catch(() => []);
        expect(left.filter((name) => name !== 'out.tar')).toEqual([]);
        if (code !== 0) await outcomeOf(run, whole);
      },
    );
  });

  test('is another all at once, behind a symlink: nothing is put there', async () => {
    await atMoments(
      ARGS,
      async ({ folder, target }) => {
        await mkdir(join(folder, 'other'));
        await rename(dirname(target), join(folder, 'moved'));
        await symlink('other', dirname(target));
      },
      async (run, whole) => {
        const { code } = await run.ended;
        for (const name of ['moved', 'other']) {
          const left = await readdir(join(run.folder, name)).catch(() => []);
          expect(left.filter((file) => file !== 'out.tar')).toEqual([]);
        }
        if (code !== 0) expect((await outcomeOf(run, whole)).target).toBe('none');
      },
    );
  });
});

describe('the name of the target, while it is written', () => {
  const takeName = ({ target }: FaultyRun) => writeFile(target, 'theirs');

  test('is taken by somebody else: an error, and theirs stays as it is', async () => {
    await atMoments(ARGS, takeName, async (run, whole) => {
      const { code } = await run.ended;
      expect(await readdir(dirname(run.target))).toEqual(['out.tar']);
      const found = await readFile(run.target);
      if (code === 0) expect([whole?.toString('hex'), hex('theirs')]).toContain(found.toString('hex'));
      else
        expect({ found: found.toString(), said: run.said() }).toEqual({
          found: 'theirs',
          said: expect.stringMatching(/^dimgx: DIMGX_TARGET_EXISTS: .*\n$/),
        });
    });
  });

  test('is taken by somebody else: overwritten under force', async () => {
    await atMoments(`-w ${ARGS}`, takeName, async (run, whole) => {
      expect({ ...(await run.ended), said: run.said() }).toEqual({ code: 0, signal: null, said: '' });
      expect(await readdir(dirname(run.target))).toEqual(['out.tar']);
      const found = (await readFile(run.target)).toString('hex');
      expect([whole?.toString('hex'), hex('theirs')]).toContain(found);
    });
  });

  test('is taken by a folder: an error also under force', async () => {
    await atMoments(
      `-w ${ARGS}`,
      ({ target }) => mkdir(target).catch(() => {}),
      async (run) => {
        const { code } = await run.ended;
        expect(await readdir(dirname(run.target))).toEqual(['out.tar']);
        if (code !== 0)
          expect(run.said()).toMatch(/^dimgx: DIMGX_TARGET_UNWRITABLE: .* no longer a regular file: .*\n$/);
      },
    );
  });
});

describe('the folder of temporary data, while it is used', () => {
  test.each(['-t "$target" "$image"', '-t "$target" - < <(cat "$image")'])('is removed: %s', async (args) => {
    const image = await sampleImage({ large: LARGE, gzip: true });
    const { whole, length } = await undisturbed({ args, image });
    for (const moment of few(moments(length))) {
      const run = await startFaulty({ args, image });
      await sleep(moment);
      await rm(run.tmp, { recursive: true });
      expect(['done', 'DIMGX_SOURCE_NO_SPACE']).toContain((await outcomeOf(run, whole)).end);
    }
  });
});

describe.skipIf(cannotMount() || lacks('mke2fs', 'chattr'))(
  'a folder that is closed (needs mount, mke2fs, chattr)',
  () => {
    test('while the target is written: an error, and no target', async () => {
      const { folder } = await breakableDisk(32 * 1024 * 1024, async () => {});
      const run = await startFaulty({
        args: ARGS,
        image: await sampleImage({ large: LARGE }),
        target: `${folder}/out.tar`,
      });
      expect(await whileWriting(run, 5)).toBe(true);
      execFileSync('chattr', ['+i', folder]);
      const { code } = await run.ended;
      execFileSync('chattr', ['-i', folder]);
      expect(code).toBe(2);
      expect(run.said()).toMatch(/^dimgx: DIMGX_TARGET_UNWRITABLE: .*\n$/);
      // Here the system does not let the temporary name be taken away; the target's own was never given.
      expect(await readdir(folder)).not.toContain('out.tar');
    });
  },
);

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}
