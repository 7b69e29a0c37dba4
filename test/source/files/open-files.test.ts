import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Progress } from '#dimgx/options.js';
import { imageIdOf, layerOf, sha256 } from '../../helpers/built-image.js';
import { dockerArchive } from '../../helpers/docker-archive.js';
import { lacks } from '../../helpers/engines.js';
import { archiveOf, temporaryFolder } from '../../helpers/members.js';
import { bytesOf, opened, refusal } from '../../helpers/opened.js';
import { runCommand } from '../../helpers/run-command.js';

const layer = await layerOf({ a: Buffer.alloc(3_000_000, 'x') });
const app = { tags: ['app:1'], layers: [layer] };
const archive = await archiveOf(dockerArchive([app]));

async function file(bytes: Uint8Array, name = 'image'): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, bytes);
  return path;
}

async function fifo(): Promise<string> {
  const path = join(await temporaryFolder(), 'fifo');
  execFileSync('mkfifo', [path]);
  return path;
}

/** Feeds a FIFO from another process, as `<(docker save x)` does. */
function feed(path: string, bytes: Uint8Array): void {
  const writer = spawn('sh', ['-c', 'exec cat > "$0"', path], { stdio: ['pipe', 'ignore', 'ignore'] });
  writer.stdin.on('error', () => {});
  writer.stdin.end(bytes);
}

describe('an archive', () => {
  test('may be gzip-compressed as a whole, in several members too', async () => {
    const half = archive.length >> 1;
    const members = Buffer.concat([gzipSync(archive.subarray(0, half)), gzipSync(archive.subarray(half))]);
    for (const bytes of [gzipSync(archive), members]) {
      const image = await opened(await file(bytes));
      expect(await Promise.all(image.layers.map(async ({ blob }) => sha256(await bytesOf(blob))))).toEqual([
        sha256(layer),
      ]);
    }
  });

  test.skipIf(lacks('zstd'))('may be zstd-compressed as a whole, out of a FIFO too (needs zstd)', async () => {
    const { stdout } = await runCommand('zstd', ['-qc'], { input: archive });
    const path = await fifo();
    feed(path, stdout);
    for (const place of [await file(stdout), path]) {
      const image = await opened(place);
      expect(await Promise.all(image.layers.map(async ({ blob }) => sha256(await bytesOf(blob))))).toEqual([
        sha256(layer),
      ]);
    }
    const failure = await refusal(await file(stdout.subarray(0, -2)));
    expect(failure).toMatchObject({ code: 'DIMGX_COMPRESSION_CORRUPT' });
    const large = await refusal(await file(Buffer.from('28b52ffd00ff', 'hex'), 'large'));
    expect(large).toMatchObject({
      code: 'DIMGX_COMPRESSION_UNSUPPORTED',
      message: expect.stringMatching(/large: .*window/),
    });
  });

  test('may come out of a FIFO, plain or compressed, and is spooled without a name', async () => {
    for (const bytes of [archive, gzipSync(archive)]) {
      const path = await fifo();
      const tmpDir = await temporaryFolder();
      feed(path, bytes);
      const image = await opened(path, { tmpDir });
      expect(await Promise.all(image.layers.map(async ({ blob }) => sha256(await bytesOf(blob))))).toEqual([
        sha256(layer),
      ]);
      expect(readdirSync(tmpDir)).toEqual([]);
    }
  });

  test('may come late', async () => {
    const path = await fifo();
    const image = opened(path);
    await sleep(300);
    feed(path, archive);
    expect((await image).id).toBe(imageIdOf(app));
  });

  test('tells its progress while it is spooled', async () => {
    const seen: Progress[] = [];
    const path = await file(gzipSync(archive));
    await opened(path, { onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toEqual({ stage: 'open', item: path, done: archive.length, total: undefined });
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).sort((a, b) => a - b));
  });

  test('that never comes is given up on the signal', async () => {
    const path = await fifo();
    const writer = openSync(path, 'r+');
    writeSync(writer, archive.subarray(0, 1000));
    const failure = await refusal(path, { signal: AbortSignal.timeout(200) });
    closeSync(writer);
    expect(failure.code).toBe('DIMGX_ABORTED');
  });

  test('larger than the limit, once decompressed, is refused', async () => {
    const failure = await refusal(await file(gzipSync(Buffer.alloc(20_000_000))), { limits: { maxSize: 10_000_000 } });
    expect(failure.code).toBe('DIMGX_LIMIT_SIZE');
  });

  test.each([
    ['that is damaged', () => Buffer.concat([gzipSync(archive).subarray(0, 2000), Buffer.from('x'.repeat(2000))])],
    ['that ends too early', () => gzipSync(archive).subarray(0, 3000)],
    ['that ends in garbage', () => Buffer.concat([gzipSync(archive), Buffer.from('garbage')])],
  ])('in gzip %s is refused', async (_, bytes) => {
    expect((await refusal(await file(bytes()))).code).toBe('DIMGX_COMPRESSION_CORRUPT');
  });

  test.each([
    ['empty', Buffer.alloc(0), 'DIMGX_SOURCE_NOT_AN_IMAGE'],
    ['no tar', Buffer.alloc(5000, 'x'), 'DIMGX_TAR_NOT_A_TAR'],
    ['a few bytes', Buffer.from('hello'), 'DIMGX_TAR_NOT_A_TAR'],
    ['all zeros', Buffer.alloc(10240), 'DIMGX_SOURCE_NOT_AN_IMAGE'],
    ['cut off', archive.subarray(0, 100_000), 'DIMGX_TAR_TRUNCATED'],
    ['a root filesystem', layer, 'DIMGX_SOURCE_NOT_AN_IMAGE'],
  ])('that is %s is refused', async (_, bytes, code) => {
    const path = await file(bytes);
    expect(await refusal(path)).toMatchObject({ code, message: expect.stringContaining(path) });
  });

  test('with a damaged header is refused', async () => {
    const bytes = Buffer.from(archive);
    bytes[archive.lastIndexOf('manifest.json')] = 0x58;
    expect((await refusal(await file(bytes))).code).toBe('DIMGX_TAR_BAD_HEADER');
  });

  test('that is a device is refused without being read', async () => {
    expect((await refusal('/dev/zero')).code).toBe('DIMGX_SOURCE_NOT_AN_IMAGE');
  });

  test('that cannot be spooled says where', async () => {
    const tmpDir = join(await temporaryFolder(), 'none');
    const failure = await refusal(await file(gzipSync(archive)), { tmpDir });
    expect(failure).toMatchObject({ code: 'DIMGX_SOURCE_NO_SPACE', message: expect.stringContaining(tmpDir) });
  });
});

describe('standard input', () => {
  const script = `
    const { openImage } = await import(${JSON.stringify(join(import.meta.dirname, '../../../build/source/resolve.js'))});
    try { const image = await openImage('-'); console.log(image.id, image.source.location); await image.close(); }
    catch (error) { console.log(error.code); }`;

  async function openedFrom(command: string, ...args: string[]): Promise<string> {
    const shell = spawn('sh', ['-c', command, 'sh', ...args, process.execPath, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return (await text(shell.stdout)).trim();
  }

  test.each([
    ['a file', 'exec "$2" --input-type=module -e "$3" < "$1"'],
    ['a pipe', 'cat "$1" | "$2" --input-type=module -e "$3"'],
    ['a compressed file', 'gzip < "$1" > "$1.gz"; exec "$2" --input-type=module -e "$3" < "$1.gz"'],
    ['a compressed pipe', 'gzip < "$1" | "$2" --input-type=module -e "$3"'],
  ])('may be %s', async (_, command) => {
    expect(await openedFrom(command, await file(archive))).toBe(`${imageIdOf(app)} standard input`);
  });

  test('may be the socket that a Node parent gives', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(archive);
    expect((await text(child.stdout)).trim()).toBe(`${imageIdOf(app)} standard input`);
  });

  test.skipIf(lacks('script'))('is refused when it is a terminal, empty or nothing (needs script)', async () => {
    const node = '"$1" --input-type=module -e "$2"';
    expect(await openedFrom(`: | ${node}`)).toBe('DIMGX_SOURCE_NOT_AN_IMAGE');
    expect(await openedFrom(`${node} < /dev/null`)).toBe('DIMGX_SOURCE_NOT_AN_IMAGE');
    expect(
      await openedFrom(`exec script -qec "'$1' --input-type=module -e '$(echo "$2" | tr "'" '"')'" /dev/null`),
    ).toBe('DIMGX_SOURCE_TERMINAL');
  });
});
