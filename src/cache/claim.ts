import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, readlink, stat, unlink, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder, namesIn } from '../base/io/folders.js';
import { throwIfAborted } from '../errors.js';

/** Delays between checks for rival claims, in milliseconds: the first, and the longest. */
const PATIENCE = { first: 10, most: 200 };
/** How often a claim is touched, in milliseconds. */
const HEARTBEAT = 10_000;
/** Age in milliseconds at which a claim counts as abandoned, if its process cannot be looked up from here. */
const GIVEN_UP = 90_000;

/** The exclusive right to do something. The holder must release it. */
export interface Claim {
  /** False if an earlier holder may still be at work. */
  readonly isClean: boolean;
  release(): Promise<void>;
}

/**
 * Waits until no other process that uses the folder claims `key`.
 *
 * Each claim is an empty file with a unique name that identifies the process. A process that has created its claim and
 * then sees no rival holds the right: of two processes, at least the later one sees the other's claim. If both wait,
 * the one whose name sorts later withdraws. A claim whose process has ended is removed by any process that sees it.
 * This needs no lock, because no other claim uses that name.
 *
 * @param find called between checks; the wait ends when it finds something
 * @throws the operating system's error; DIMGX_ABORTED
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
      // Another process may have taken this claim for abandoned and removed it. If so, start over.
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

/** Removes the claims of all processes that have ended. */
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

/** @returns whether the file still exists */
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

/** Identifies the process behind a claim, so that other processes can check whether it is still running. */
interface ProcessIdentity {
  /** Identifies the machine's current boot and the PID namespace. */
  readonly host: string;
  readonly pid: number;
  /** When the process started, in ticks since boot; `0` if unknown. */
  readonly started: string;
  /** Distinguishes the claims of one process. */
  readonly nonce: string;
}

const IDENTITY = /^([0-9a-f]{12})-(\d{1,10})-(\d{1,20})-([0-9a-f]{8})$/;

export async function ownIdentity(): Promise<ProcessIdentity> {
  const [boot, namespace, started] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(hostname),
    readlink('/proc/self/ns/pid').catch(() => ''),
    startOf(process.pid),
  ]);
  const host = createHash('sha256').update(`${boot}\n${namespace}`).digest('hex').slice(0, 12);
  return { host, pid: process.pid, started: started ?? '0', nonce: randomBytes(4).toString('hex') };
}

export function formatIdentity({ host, pid, started, nonce }: ProcessIdentity): string {
  return `${host}-${pid}-${started}-${nonce}`;
}

export function parseIdentity(text: string): ProcessIdentity | undefined {
  const [, host, pid, started, nonce] = IDENTITY.exec(text) ?? [];
  if (host === undefined || started === undefined || nonce === undefined) return undefined;
  return { host, pid: Number(pid), started, nonce };
}

/** @returns `undefined` if it cannot be known from here: another machine, another boot, another container */
async function isRunning(other: ProcessIdentity, self: ProcessIdentity): Promise<boolean | undefined> {
  if (other.host !== self.host || self.started === '0') return undefined;
  return (await startOf(other.pid)) === other.started;
}

/** `undefined` if the process does not exist, or is a zombie. Source: proc_pid_stat(5). */
async function startOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The program's name is in brackets and may contain anything.
  const [state, ...fields] = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  return state === 'Z' || state === 'X' ? undefined : fields[18];
}
