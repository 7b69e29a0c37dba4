import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, open, readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeTree } from './remove-tree.js';

/** A program that serves until it is stopped. Everything it writes is in a temporary folder. */
export interface Daemon {
  readonly folder: string;
  /** Its output so far. */
  log(): Promise<string>;
  /** Ends the process that was started, and leaves the folder. */
  end(): Promise<void>;
  /** Ends the process that was started, and removes the folder. */
  stop(): Promise<void>;
}

export interface DaemonStart {
  readonly command: string;
  readonly args: readonly string[];
  /** Fails until the program serves. */
  readonly probe: () => Promise<unknown>;
}

/**
 * @param prepare receives the folder, and returns how to start the program
 * @throws if it does not serve within 30 seconds; the message includes the end of its log
 */
export async function startDaemon(prepare: (folder: string) => Promise<DaemonStart>): Promise<Daemon> {
  const folder = await mkdtemp(join(tmpdir(), 'dimgx-daemon-'));
  const { command, args, probe } = await prepare(folder);
  const output = await open(`${folder}/log`, 'w');
  const child = spawn(command, args, { stdio: ['ignore', output.fd, output.fd] });
  child.on('error', () => undefined); // there is no pid in this case
  const kill = () => child.kill();
  process.once('exit', kill);
  const log = () => readFile(`${folder}/log`, 'utf8');
  const stop = async () => {
    process.off('exit', kill);
    await end(child);
    await output.close();
    await removeTree(folder); // engines leave mounts behind
  };
  try {
    await serves(child, probe);
    return { folder, log, end: () => end(child), stop };
  } catch (failure) {
    const said = await log();
    await stop();
    throw new Error(`${command} did not start: ${said.slice(-2000)}`, { cause: failure });
  }
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** @throws while nothing listens there */
export function probePort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}

async function serves(child: ChildProcess, probe: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await probe();
      return;
    } catch (failure) {
      if (child.pid === undefined || child.exitCode !== null || Date.now() > deadline) throw failure;
      await sleep(100);
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(timer);
}
