import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { decodeInto } from '#dimgx/compression/decode-into.js';
import { DecoderThreads } from '#dimgx/compression/decoder-threads.js';
import { seeded } from '../fuzz/random.js';
import { text } from '../helpers/codec-samples.js';
import { inPieces } from '../helpers/convert.js';
import { lacks } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { packed } from '../helpers/packed-layers.js';
import { runCommand } from '../helpers/run-command.js';
import { noise } from '../helpers/sample-image.js';
import { shortOrLong } from '../helpers/short-or-long.js';

const WAITING = 256 * 1024;
const CODECS = (['bzip2', 'xz'] as const).filter((name) => !lacks(name));

const opened: DecoderThreads[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((threads) => threads.close()));
});

function newThreads(most: number): DecoderThreads {
  const threads = new DecoderThreads(most);
  opened.push(threads);
  return threads;
}

async function open(threads: DecoderThreads, codec: (typeof CODECS)[number]): Promise<Duplex> {
  const decoder = await threads.open(codec, WAITING);
  if (!decoder) throw new Error('no thread');
  return decoder;
}

async function* asSource(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* inPieces(bytes, 64 * 1024);
}

async function decoded(decoder: Duplex, stored: Uint8Array): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await decodeInto(decoder, asSource(stored), (piece) => void pieces.push(piece));
  return Buffer.concat(pieces);
}

async function threadCount(): Promise<number> {
  return (await readdir('/proc/self/task')).length;
}

describe.each(CODECS)('decoders of %s in threads', (codec) => {
  const plain = Buffer.concat([text(700_000), noise(300_000)]);
  const stored = packed(plain, codec);
  const damaged = Buffer.from(stored).fill(7, stored.length >> 1, (stored.length >> 1) + 100);

  test('decode many layers in few threads, each as if it were alone', async () => {
    const threads = newThreads(2);
    const before = await threadCount();
    const random = seeded(1);
    const sizes = Array.from({ length: 12 }, () => random(plain.length));
    const all = sizes.map(async (size) => decoded(await open(threads, codec), packed(plain.subarray(size), codec)));
    const results = await Promise.all(all);
    for (const [i, size] of sizes.entries()) expect(results[i]?.equals(plain.subarray(size))).toBe(true);
    expect(await threadCount()).toBeLessThanOrEqual(before + 2 * 3); // V8 has some for each
  });

  test('fail alone: others in the same thread go on', async () => {
    const threads = newThreads(1);
    const inputs = [stored, damaged, stored.subarray(0, stored.length - 20), stored];
    const ends = await Promise.allSettled(
      inputs.map(async (bytes) => (await decoded(await open(threads, codec), bytes)).equals(plain)),
    );
    expect(ends.map((end) => (end.status === 'fulfilled' ? end.value : end.status))).toEqual([
      true,
      'rejected',
      'rejected',
      true,
    ]);
  });

  test('may be destroyed at any moment, and their thread serves others', async () => {
    const threads = newThreads(1);
    const random = seeded(2);
    for (let i = 0; i < shortOrLong(8, 60); i++) {
      const [lost, other] = [await open(threads, codec), await open(threads, codec)];
      const failure = new Error('enough');
      let taken = 0;
      const most = random(plain.length);
      const end = decodeInto(lost, asSource(stored), (piece) => {
        taken += piece.length;
        if (taken >= most) lost.destroy(failure);
      });
      if (i % 4 === 0) lost.destroy(failure);
      const [first] = await Promise.allSettled([end, decoded(other, stored)]);
      if (first?.status === 'rejected') expect(first.reason).toBe(failure);
    }
    expect((await decoded(await open(threads, codec), stored)).equals(plain)).toBe(true);
  });

  test.skipIf(process.platform !== 'linux')('fail when the threads are closed, at any moment', async () => {
    const before = await threadCount();
    for (const delay of shortOrLong([0, 60], [0, 1, 5, 20, 40, 60, 80, 120, 200])) {
      const threads = new DecoderThreads(2);
      const ends = [1, 2, 3].map(async () => decoded(await open(threads, codec), stored));
      const settled = Promise.allSettled(ends);
      await new Promise((resolve) => setTimeout(resolve, delay));
      await Promise.all([threads.close(), threads.close()]);
      for (const end of await settled) if (end.status === 'fulfilled') expect(end.value.equals(plain)).toBe(true);
      expect(await threads.open(codec, WAITING)).toBeUndefined();
    }
    await expect.poll(threadCount).toBeLessThanOrEqual(before);
  });
});

const MODULES = new URL('../../build/compression/', import.meta.url).href;

/** Runs a program that has `DecoderThreads`, and whose threads are made by `Worker`. @returns what it printed */
async function run(program: string, stored: Uint8Array = new Uint8Array(0)): Promise<string> {
  const head = `
    import { syncBuiltinESMExports } from 'node:module';
    import threads from 'node:worker_threads';
    import { readFileSync } from 'node:fs';
    const [modules, path] = process.argv.slice(1);
    const stored = readFileSync(path);
    const makeThreads = async () => new (await import(modules + 'decoder-threads.js')).DecoderThreads(2);
  `;
  const path = join(await temporaryFolder(), 'stored');
  await writeFile(path, stored);
  const args = ['--input-type=module', '-e', head + program, MODULES, path];
  const { stdout, stderr } = await runCommand(process.execPath, args);
  expect(stderr).toBe('');
  return stdout.toString();
}

describe('returns no decoder where no thread can be started', () => {
  test.each([
    ['as the runtime refuses it', `constructor() { throw new Error('refused'); }`],
    ['as it ends before it has begun', `constructor() { super(new URL('data:text/javascript,process.exit(1)')); }`],
    ['as its code cannot be loaded', `constructor() { super(new URL('file:///nowhere.js')); }`],
  ])('%s', async (_, made) => {
    const out = await run(`
      threads.Worker = class extends threads.Worker { ${made} };
      syncBuiltinESMExports();
      const some = await makeThreads();
      console.log(await Promise.all([some.open('xz', 1e5), some.open('xz', 1e5), some.open('bzip2', 1e5)]));
      console.log(await some.open('xz', 1e5));
      await some.close();
    `);
    expect(out).toBe('[ undefined, undefined, undefined ]\nundefined\n');
  });
});

describe.each(CODECS)('a program ends although a decoder of %s', (codec) => {
  const stored = packed(noise(400_000), codec);

  test.each([
    ['was never used', ''],
    ['is not read', 'decoder.write(stored); decoder.end();'],
    ['is not read to the end', `decoder.on('data', () => decoder.pause()); decoder.write(stored); decoder.end();`],
  ])('%s', async (_, use) => {
    const out = await run(
      `const decoder = await (await makeThreads()).open(${JSON.stringify(codec)}, 1e5);
       ${use}
       process.on('beforeExit', () => console.log('done'));`,
      stored,
    );
    expect(out).toBe('done\n');
  });

  test('and not before it has been read', async () => {
    const out = await run(
      `const decoder = await (await makeThreads()).open(${JSON.stringify(codec)}, 1e5);
       let length = 0;
       decoder.on('data', (piece) => { length += piece.length; }).on('end', () => console.log(length));
       decoder.write(stored);
       decoder.end();`,
      stored,
    );
    expect(out).toBe('400000\n');
  });
});
