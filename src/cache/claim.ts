import { open, readdir, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../base/io/make-folder.js';
import { isSystemError } from '../base/io/system-error.js';
import { throwIfAborted } from '../errors.js';
import { formatIdentity, isRunning, ownIdentity, type ProcessIdentity, parseIdentity } from './process-identity.js';

/** Between two looks at who else is there, in milliseconds: at first, and at most. */
const PATIENCE = { first: 10, most: 200 };
/** A claim is touched so often, in milliseconds… */
const HEARTBEAT = 10_000;
/** …and one of a process that cannot be looked for counts as given up when it has not been touched for so long. */
const GIVEN_UP = 90_000;

/** The right to be the only process that does something; whoever took it releases it. */
export interface Claim {
  /** Whether it is certain that nobody who had it before is still at work. */
  readonly isClean: boolean;
  release(): Promise<void>;
}

/**
 * Waits until nobody else claims `key`, among all processes that use the folder.
 *
 * Each claim is an empty file with a name of its own, which tells the process. Whoever has put up a claim and then sees no
 * other has the right: of two, at least the one that came later sees the other. Of two that wait the one whose name
 * sorts later withdraws. A claim of a process that has ended is taken down by whoever sees it: since its name is used by
 * nobody else, this needs no lock.
 *
 * @param find is asked between; what it finds ends the waiting
 * @throws what the operating system says; DIMGX_ABORTED
 */
export async function claimOr<T>(
  folder: string,
  key: string,
  find: () => Promise<T | undefined>,
  signal?: AbortSignal,
): Promise<{ readonly claim: Claim } | { readonly found: T }> {
  const self = await ownIdentity();
  const name = `${key}.${formatIdentity(self)}`;
  const path = join(folder, name);
  let stands = false;
  let isClean = true;
  const withdraw = async () => {
    if (stands) await unlink(path).catch(() => undefined);
    stands = false;
  };
  try {
    for (let patience = PATIENCE.first; ; patience = Math.min(2 * patience, PATIENCE.most)) {
      throwIfAborted(signal);
      // Who was thought to be gone begins anew.
      stands &&= await touch(path);
      const rivals = await rivalsOf(folder, key, self);
      isClean &&= rivals.isClean;
      if (rivals.names.length === 0) {
        if (stands) return { claim: hold(path, isClean) };
        await makeFolder(folder, 0o700);
        await (await open(path, 'wx', 0o600)).close();
        stands = true;
        patience = PATIENCE.first;
        continue;
      }
      if (rivals.names.some((rival) => rival < name)) await withdraw();
      const found = await find();
      if (found !== undefined) {
        await withdraw();
        return { found };
      }
      await sleep(patience * (0.5 + Math.random()));
    }
  } catch (failure) {
    await withdraw();
    throw failure;
  }
}

/** Takes down the claims of all processes that have ended. */
export async function sweepClaims(folder: string): Promise<void> {
  const self = await ownIdentity();
  const keys = (await namesIn(folder)).map((name) => name.slice(0, name.lastIndexOf('.')));
  for (const key of new Set(keys)) await rivalsOf(folder, key, self);
}

function hold(path: string, isClean: boolean): Claim {
  const heartbeat = setInterval(() => void touch(path), HEARTBEAT).unref();
  return {
    isClean,
    async release() {
      clearInterval(heartbeat);
      await unlink(path).catch(() => undefined);
    },
  };
}

/** @returns whether it is still there */
async function touch(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(
    () => true,
    () => false,
  );
}

async function rivalsOf(folder: string, key: string, self: ProcessIdentity) {
  const names: string[] = [];
  let isClean = true;
  for (const name of await namesIn(folder)) {
    const rival = name.startsWith(`${key}.`) ? parseIdentity(name.slice(key.length + 1)) : undefined;
    if (!rival || (rival.nonce === self.nonce && rival.pid === self.pid && rival.host === self.host)) continue;
    const running = await isRunning(rival, self);
    const path = join(folder, name);
    if (running ?? (await isFresh(path))) names.push(name);
    else {
      if (running === undefined) isClean = false;
      await unlink(path).catch(() => undefined);
    }
  }
  return { names, isClean };
}

async function isFresh(path: string): Promise<boolean> {
  const about = await stat(path).catch(() => undefined);
  return about !== undefined && Date.now() - about.mtimeMs < GIVEN_UP;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((failure: unknown) => {
    if (isSystemError(failure, 'ENOENT')) return [];
    throw failure;
  });
}
