import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { type Claim, claimOr, formatIdentity, ownIdentity, parseIdentity, sweepClaims } from '#dimgx/cache/claim.js';
import { temporaryFolder } from '../helpers/members.js';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

const nothing = async () => undefined;

async function take(key = 'key', find: () => Promise<string | undefined> = nothing): Promise<Claim> {
  const outcome = await claimOr(folder, key, find);
  if ('found' in outcome) throw new Error(`found ${outcome.found}`);
  return outcome.claim;
}

/** Whether the claim can be had at once. */
const isFree = async (key = 'key') => {
  const outcome = await claimOr(folder, key, async () => 'taken');
  if ('claim' in outcome) await outcome.claim.release();
  return 'claim' in outcome;
};

/** A claim as another process has put it up. */
async function claimOf(change: Partial<Awaited<ReturnType<typeof ownIdentity>>>, age = 0): Promise<string> {
  const path = join(folder, `key.${formatIdentity({ ...(await ownIdentity()), ...change })}`);
  await writeFile(path, '');
  await utimes(path, new Date(), Date.now() / 1000 - age);
  return path;
}

describe('a claim', () => {
  it('is had by one at a time, whatever the number', async () => {
    let holders = 0;
    let most = 0;
    const order = Array.from({ length: 12 }, async () => {
      const claim = await take();
      most = Math.max(most, ++holders);
      await sleep(5);
      holders--;
      await claim.release();
    });
    await Promise.all(order);
    expect({ most, left: await readdir(folder) }).toEqual({ most: 1, left: [] });
  });

  it('does not stand in the way of others', async () => {
    const claim = await take();
    expect([await isFree(), await isFree('other'), await isFree('ke')]).toEqual([false, true, true]);
    await claim.release();
    expect(await isFree()).toBe(true);
  });

  it('is given up for what is found meanwhile, or when the caller has had enough', async () => {
    const claim = await take();
    let looks = 0;
    const found = await claimOr(folder, 'key', async () => (++looks === 3 ? 'it' : undefined));
    expect(found).toEqual({ found: 'it' });
    await expect(claimOr(folder, 'key', () => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    const aborted = claimOr(folder, 'key', nothing, AbortSignal.timeout(50));
    await expect(aborted).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    expect(await readdir(folder)).toHaveLength(1);
    await claim.release();
  });
});

describe.skipIf(process.platform !== 'linux')('of a process that has ended', () => {
  test('a claim is none, though another has its number now', async () => {
    const { started } = await ownIdentity();
    for (const ended of [
      { pid: 2 ** 22 + 1, started },
      { pid: process.pid, started: '1' },
    ]) {
      await claimOf({ ...ended, nonce: '00000000' });
      const claim = await take();
      expect(claim.isClean).toBe(true);
      await claim.release();
      expect(await readdir(folder)).toEqual([]);
    }
  });

  test('a claim is none, though nobody has waited for it yet', async () => {
    // the child outlives the shell, which would wait for it, and not the program that takes the shell's place
    const parent = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 60']);
    try {
      const [line] = await once(parent.stdout, 'data');
      const pid = Number(String(line));
      const stat = async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
      while ((await stat())[0] !== 'Z') await sleep(10);
      await claimOf({ pid, started: (await stat())[19] as string });
      expect(await isFree()).toBe(true);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});

describe('of another machine, boot or container', () => {
  const elsewhere = { host: 'abcdef012345', pid: 1 };

  test('a claim is respected as long as it is kept fresh', async () => {
    await claimOf(elsewhere, 60);
    expect(await isFree()).toBe(false);
  });

  test('a claim that was left is none, and what its owner did is not to be trusted', async () => {
    await claimOf(elsewhere, 120);
    const claim = await take();
    expect(claim.isClean).toBe(false);
    await claim.release();
    await claimOf(elsewhere, 120);
    await sweepClaims(folder);
    expect(await readdir(folder)).toEqual([]);
  });
});

test('an identity can be read again, and nothing else as one', async () => {
  const self = await ownIdentity();
  expect(parseIdentity(formatIdentity(self))).toEqual(self);
  for (const text of ['', 'x', formatIdentity(self).slice(1), `${formatIdentity(self)}0`]) {
    expect(parseIdentity(text)).toBeUndefined();
  }
});
