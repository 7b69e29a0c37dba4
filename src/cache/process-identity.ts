import { createHash, randomBytes } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/** Who claims something: a process, so that others can tell whether it is still there. */
export interface ProcessIdentity {
  /** Of the machine since it was booted, and of the namespace that numbers its processes. */
  readonly host: string;
  readonly pid: number;
  /** When the process was started, in ticks since the boot; `0` where that cannot be known. */
  readonly started: string;
  /** Tells apart the claims of one process. */
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

/** @returns `undefined` when it cannot be known from here: another machine, another boot, another container */
export async function isRunning(other: ProcessIdentity, self: ProcessIdentity): Promise<boolean | undefined> {
  if (other.host !== self.host || self.started === '0') return undefined;
  return (await startOf(other.pid)) === other.started;
}

/** `undefined` for a process that is not there, or has ended and not been waited for. Source: proc_pid_stat(5). */
async function startOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name of the program stands in brackets, and may hold anything.
  const [state, ...fields] = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  return state === 'Z' || state === 'X' ? undefined : fields[18];
}
