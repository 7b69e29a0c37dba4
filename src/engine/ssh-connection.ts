import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../base/io/folders.js';
import { printable } from '../base/text/printable.js';
import type { SshEndpoint } from './endpoint.js';

/** How much is kept of the end of `ssh`'s stderr, in characters. */
const STDERR_KEPT = 2048;

/** How long to wait for the rest of stderr after `ssh` has exited, in milliseconds. */
const LAST_WORDS = 200;

/** How long `ssh` may take to exit before it is killed, in milliseconds. */
const PATIENCE = 2000;

/** The error output of `ssh`; printable. */
export class SshFailure extends Error {
  override readonly name = 'SshFailure';
}

/**
 * A connection to the engine of another machine, through the `ssh` program here and the `docker` program there. This
 * way the user's configuration, keys and known hosts apply. Destroying the connection ends the program.
 * Source: docker/cli, cli/connhelper.
 */
export class SshConnection extends Duplex {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #stderr = '';
  /** Resolves when the program has exited. Never rejects. */
  readonly ended: Promise<void>;

  constructor(endpoint: SshEndpoint, env: Environment) {
    super({ allowHalfOpen: true });
    this.#child = spawn('ssh', sshArguments(endpoint), { env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const { stdin, stdout, stderr } = this.#child;
    stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stdout.pause();
    });
    stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT);
    });
    stdin.on('error', () => undefined); // the program's exit status explains why it was closed
    this.#child.on('error', (cause) => {
      this.destroy(new SshFailure(`the ssh program cannot be run: ${printable(cause.message, 200)}`, { cause }));
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      if (this.#child.pid === undefined) resolve();
    });
    const quiet = new Promise((resolve) => stderr.once('close', resolve));
    const drained = new Promise((resolve) => stdout.once('close', resolve));
    // A background master of shared connections keeps stderr open. Its output is complete by now.
    Promise.all([this.ended, drained])
      .then(() => Promise.race([quiet, sleep(LAST_WORDS, undefined, { ref: false })]))
      .then(() => this.#afterExit());
  }

  /** Reports a failed exit as an error, before the end of stdout could be taken for the end of the data. */
  #afterExit(): void {
    const status = this.#child.exitCode ?? this.#child.signalCode;
    if (status === 0) this.push(null);
    else this.destroy(new SshFailure(this.#lastWords() || `ssh ended with ${status}`));
  }

  #lastWords(): string {
    return printable(this.#stderr.trim().replaceAll(/\s*[\r\n]+\s*/g, '; '), 600);
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // Errors are reported when the program exits, with its own words.
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#child.kill();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE);
    this.ended.then(() => clearTimeout(timer));
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    done(error);
  }

  // Methods that Node's HTTP client calls on a socket kept for the next request.
  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

/** The host can never be read as an option of `ssh`. The command is passed as words, which the remote shell splits. */
export function sshArguments({ user, host, port, socket }: SshEndpoint): string[] {
  const engine = socket === undefined ? [] : ['--host', `'unix://${socket.replaceAll("'", "'\\''")}'`];
  return [
    ...['-o', 'ConnectTimeout=30', '-T'],
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...['--', host, 'docker', ...engine, 'system', 'dial-stdio'],
  ];
}
