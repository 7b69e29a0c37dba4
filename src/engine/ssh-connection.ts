import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { printable } from '../base/text/printable.js';
import type { SshEndpoint } from './endpoint.js';

/** What is kept of the end of what `ssh` has to say, in characters. */
const STDERR_KEPT = 2048;

/** How long its last words are waited for when it has ended, in milliseconds. */
const LAST_WORDS = 200;

/** How long it may take to end when it is told to, in milliseconds. */
const PATIENCE = 2000;

/** What `ssh` said when it gave up; printable. */
export class SshFailure extends Error {
  override readonly name = 'SshFailure';
}

/**
 * A connection to the engine of another machine, through the `ssh` program and the `docker` program there: so the user's
 * configuration, keys and known hosts count. Ending the connection ends the program.
 * Source: docker/cli, cli/connhelper.
 */
export class SshConnection extends Duplex {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #stderr = '';
  /** Resolves when the program has ended. Never rejects. */
  readonly ended: Promise<void>;

  constructor(endpoint: SshEndpoint, env: Readonly<Record<string, string | undefined>>) {
    super({ allowHalfOpen: true });
    this.#child = spawn('ssh', sshArguments(endpoint), { env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const { stdin, stdout, stderr } = this.#child;
    stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stdout.pause();
    });
    stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT);
    });
    stdin.on('error', () => undefined); // why it was closed, the program's end tells
    this.#child.on('error', (cause) => {
      this.destroy(new SshFailure(`the ssh program cannot be run: ${printable(cause.message, 200)}`, { cause }));
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      if (this.#child.pid === undefined) resolve();
    });
    const quiet = new Promise((resolve) => stderr.once('close', resolve));
    const drained = new Promise((resolve) => stdout.once('close', resolve));
    // A master of shared connections that stays behind keeps stderr open: what was said is said by then.
    Promise.all([this.ended, drained])
      .then(() => Promise.race([quiet, sleep(LAST_WORDS, undefined, { ref: false })]))
      .then(() => this.#afterExit());
  }

  /** What the program says comes before its last bytes are taken for the end. */
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
    // A failure is told with the program's words when it has ended.
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

  // What Node's HTTP client asks of a socket that it keeps for the next request.
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

/** Whatever the host is called, it is no option to `ssh`; the command is words that the shell there splits. */
export function sshArguments({ user, host, port, socket }: SshEndpoint): string[] {
  const engine = socket === undefined ? [] : ['--host', `'unix://${socket.replaceAll("'", "'\\''")}'`];
  return [
    ...['-o', 'ConnectTimeout=30', '-T'],
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...['--', host, 'docker', ...engine, 'system', 'dial-stdio'],
  ];
}
