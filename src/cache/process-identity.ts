import { createHash, randomBytes } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/** Identifies the process behind a claim, so that other processes can check whether it is still running. */
export interface ProcessIdentity {
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
export async function isRunning(other: ProcessIdentity, self: ProcessIdentity): Promise<boolean | undefined> {
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
