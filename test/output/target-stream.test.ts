import { getEventListeners, once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Duplex, PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type FlattenOptions, flatten } from '#dimgx/flatten.js';
import type { Progress } from '#dimgx/options.js';
import { temporaryFolder } from '../helpers/members.js';
import { runCommand } from '../helpers/run-command.js';
import { sampleImage } from '../helpers/sample-image.js';

const MB = 1024 * 1024;
const CLOSED = { name: 'DimgxError', code: 'DIMGX_TARGET_CLOSED' };
const never = () => {};

/** A stream that takes whatever it is given. */
const sink = () => new Writable({ write: (_piece, _encoding, done) => done() });
/** One that takes a piece and never says that it has. */
const stuck = () => new Writable({ write: never, highWaterMark: 1 });

interface Answered {
  readonly response: ServerResponse;
  /** The client goes away. */
  readonly leave: () => Promise<void>;
}

/** An HTTP answer that waits to be written, and the client that waits for it. */
async function answer(): Promise<Answered> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const request = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  request.on('error', never).on('response', (message) => message.on('error', never).resume());
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  const leave = async () => {
    const gone = once(response, 'close');
    request.destroy();
    await gone;
  };
  return { response, leave };
}

async function destroyed<S extends Writable>(stream: S, reason?: unknown): Promise<S> {
  stream.on('error', never);
  stream.destroy(reason as Error);
  await wait(1);
  return stream;
}

async function ended<S extends Writable>(stream: S): Promise<S> {
  stream.end();
  await once(stream, 'finish');
  return stream;
}

describe('a stream that takes no more is refused at once, before any work', () => {
  test.each<[string, () => Writable | Promise<Writable>]>([
    ['being ended', () => stuck().end()],
    ['being ended with something left', () => stuck().end('x')],
    ['finished', () => ended(new Writable({ write: never, autoDestroy: false }))],
    ['finished and closed', async () => destroyed(await ended(sink()))],
    ['destroyed', () => destroyed(sink())],
    ['being destroyed', () => sink().destroy()],
    ['failed', () => destroyed(sink(), new Error('gone'))],
    ['failed with a number', () => destroyed(sink(), 42)],
    ['failed without being destroyed', () => failedWithoutDestruction()],
    ['a Duplex that is ended', () => ended(new Duplex({ read: never, write: never }))],
    ['a PassThrough that is ended', () => new PassThrough().end()],
    ['a PassThrough that is destroyed', () => destroyed(new PassThrough())],
    ['full, and destroyed', () => full().then((stream) => destroyed(stream))],
    ['an answer that was sent', async () => ended((await answer()).response as unknown as Writable)],
    ['an answer whose client went away', () => abandoned()],
    ['a file that could not be opened', () => unopened()],
  ])('%s', async (_, make) => {
    const stream = await make();
    // Nothing of the image is looked at: it is not there.
    await expect(flatten('./no-such-image', stream)).rejects.toMatchObject(CLOSED);
  });

  async function failedWithoutDestruction(): Promise<Writable> {
    const fail = new Writable({ autoDestroy: false, write: (_piece, _encoding, done) => done(new Error('no')) });
    fail.on('error', never).write('x');
    await wait(5);
    return fail;
  }
  async function full(): Promise<Writable> {
    const stream = stuck();
    while (stream.write('xx'));
    return stream;
  }
  async function abandoned(): Promise<Writable> {
    const { response, leave } = await answer();
    await leave();
    return response as unknown as Writable;
  }
  async function unopened(): Promise<Writable> {
    const stream = createWriteStream(`${await temporaryFolder()}/missing/out.tar`);
    await once(stream, 'error').catch(never);
    return stream;
  }
});

/** Runs `disturb` when the work has come to a stage. */
async function disturbed(
  stream: Writable,
  stage: Progress['stage'],
  disturb: () => unknown,
  more: FlattenOptions = {},
) {
  let isDisturbed = false;
  const onProgress = (progress: Progress) => {
    if (isDisturbed || progress.stage !== stage) return;
    isDisturbed = true;
    disturb();
  };
  return flatten(await sampleImage({ large: 2 * MB, gzip: true }), stream, { ...more, onProgress });
}

describe('a stream that goes while the work is done ends it', () => {
  describe.each(['inspect', 'extract'] as const)('at %s', (stage) => {
    test.each<[string, () => Writable, (stream: Writable) => unknown]>([
      ['destroyed', sink, (stream) => stream.destroy()],
      ['destroyed with an error', sink, (stream) => stream.destroy(new Error('gone'))],
      ['destroyed with a number', sink, (stream) => stream.destroy(42 as unknown as Error)],
      ['destroyed with a symbol', sink, (stream) => stream.destroy(Symbol('gone') as unknown as Error)],
      ['destroyed with what cannot be shown', sink, (stream) => stream.destroy(unshowable() as Error)],
      ['ended by somebody else', sink, (stream) => stream.end()],
      ['full, and destroyed', stuck, (stream) => setTimeout(() => stream.destroy(), 20)],
      ['a PassThrough that is destroyed', () => new PassThrough(), (stream) => setTimeout(() => stream.destroy(), 20)],
      ['a PassThrough that is ended', () => new PassThrough().resume(), (stream) => stream.end()],
    ])('%s', async (_, make, disturb) => {
      const stream = make();
      await expect(disturbed(stream, stage, () => disturb(stream))).rejects.toMatchObject(CLOSED);
    });

    test('an answer whose client goes away', async () => {
      const { response, leave } = await answer();
      await expect(disturbed(response as unknown as Writable, stage, leave)).rejects.toMatchObject(CLOSED);
    });

    test('a web stream whose reader cancels with a text', async () => {
      const through = new PassThrough();
      const reader = Readable.toWeb(through).getReader();
      const cancel = () => reader.cancel('gone');
      await expect(disturbed(through, stage, cancel)).rejects.toMatchObject({ name: 'DimgxError' });
    });
  });

  function unshowable(): unknown {
    const shown = () => {
      throw new Error('not to be shown');
    };
    return { toString: shown, [Symbol.toPrimitive]: shown };
  }
});

describe('a stream that fails by itself is told of with its own reason', () => {
  test.each([
    ['a text', 'text', 'text'],
    ['a number', 42, '42'],
    ['a symbol', Symbol('no'), 'Symbol(no)'],
    ['an error', new Error('no more'), 'no more'],
    ['an object without a prototype', Object.create(null), 'a value of type object'],
  ])('%s', async (_, reason, shown) => {
    const archive = await sampleImage();
    const failure = {
      code: 'DIMGX_TARGET_UNWRITABLE',
      message: `"stream" cannot be written (${shown}): choose another place`,
      cause: reason,
    };
    const failing = new Writable({ write: (_piece, _encoding, done) => setImmediate(done, reason) });
    await expect(flatten(archive, failing)).rejects.toMatchObject(failure);
    const atOnce = new Writable({ write: (_piece, _encoding, done) => done(reason) });
    await expect(flatten(archive, atOnce)).rejects.toMatchObject(failure);
    const atTheEnd = new Writable({ write: (_piece, _encoding, done) => done(), final: (done) => done(reason) });
    await expect(flatten(archive, atTheEnd)).rejects.toMatchObject(failure);
    const throwing = new Writable({
      write: () => {
        throw reason;
      },
    });
    await expect(flatten(archive, throwing)).rejects.toMatchObject(failure);
  });

  test('a full disk', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28 });
    const stream = new Writable({ write: (_piece, _encoding, done) => done(full) });
    await expect(flatten(await sampleImage(), stream)).rejects.toMatchObject({ code: 'DIMGX_TARGET_NO_SPACE' });
  });
});

describe('an abort is heeded at once', () => {
  const aborting = { code: 'DIMGX_ABORTED' };

  test.each<[string, (abort: () => void) => Writable, FlattenOptions]>([
    ['while the stream is opened', (abort) => new Writable({ construct: () => abort(), write: never }), {}],
    ['while the stream writes', (abort) => new Writable({ write: () => abort(), highWaterMark: 1 }), {}],
    [
      'while the stream comes to its end',
      (abort) => new Writable({ write: (_piece, _encoding, done) => done(), final: () => abort() }),
      {},
    ],
    ['while it is destroyed', (abort) => new Writable({ write: () => abort(), destroy: never }), {}],
    ['while pieces are compressed', (abort) => new Writable({ write: () => abort() }), { compression: 'bzip2' }],
  ])('%s', async (_, make, options) => {
    const controller = new AbortController();
    const stream = make(() => setTimeout(() => controller.abort('enough'), 5));
    const work = flatten(await sampleImage({ large: MB }), stream, { ...options, signal: controller.signal });
    await expect(work).rejects.toMatchObject({ ...aborting, cause: 'enough' });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  test('while nobody writes into the FIFO that is read', async () => {
    const fifo = `${await temporaryFolder()}/fifo`;
    await runCommand('mkfifo', [fifo]);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    await expect(flatten(fifo, sink(), { signal: controller.signal })).rejects.toMatchObject(aborting);
  });
});

test('a stream is not touched when the work fails before its first byte', async () => {
  const stream = sink();
  await expect(flatten('./no-such-image', stream)).rejects.toMatchObject({ code: 'DIMGX_SOURCE_NOT_FOUND' });
  expect({ destroyed: stream.destroyed, ended: stream.writableEnded }).toEqual({ destroyed: false, ended: false });
  for (const event of ['error', 'close', 'finish', 'drain']) expect(stream.listenerCount(event)).toBe(0);
});

test('an answer over HTTP gets the whole tar', async () => {
  const archive = await sampleImage({ large: 3 * MB });
  const server = createServer((_request, response) => void flatten(archive, response)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const got = await fetch(`http://127.0.0.1:${port}/`).then((answered) => answered.arrayBuffer());
  const through = new PassThrough();
  const [expected] = await Promise.all([buffer(through), flatten(archive, through)]);
  expect(Buffer.from(got).equals(expected)).toBe(true);
});
