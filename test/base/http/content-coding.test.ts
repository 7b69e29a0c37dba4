import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer, type OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import * as zlib from 'node:zlib';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { HttpClient } from '#dimgx/base/http/http-client.js';
import { contentCodings, readBeginning, readReply } from '#dimgx/base/http/read-reply.js';
import { Appender, writeAllAt } from '#dimgx/base/io/appender.js';
import { downloadBlob } from '#dimgx/registry/download-blob.js';
import { listen } from '../../helpers/registry-proxy.js';

const TEXT = Buffer.from('{"a document": "of which there is some more"}');
const zstd = 'zstdCompressSync' in zlib ? (zlib.zstdCompressSync as (bytes: Buffer) => Buffer) : undefined;

const clientFor = () => {
  const timeouts = { connect: 30_000, greeting: 30_000, answer: 30_000, idle: 30_000 };
  const http = new HttpClient({ env: {}, timeouts, isInsecure: () => false });
  onTestFinished(() => http.close());
  return http;
};

/** A server of one body. With a length of its own unless `isChunked`. */
const serve = async (body: Buffer, encoding: string, isChunked = false) => {
  const headers: OutgoingHttpHeaders = { 'content-encoding': encoding };
  if (!isChunked) headers['content-length'] = body.length;
  return new URL(`http://${await listen(createServer((_, response) => response.writeHead(200, headers).end(body)))}`);
};

describe('a document', () => {
  test.each([
    ['gzip', zlib.gzipSync(TEXT)],
    ['X-GZip', zlib.gzipSync(TEXT)],
    ['deflate', zlib.deflateSync(TEXT)],
    ['deflate', zlib.deflateRawSync(TEXT)],
    ['br', zlib.brotliCompressSync(TEXT)],
    ['gzip, br', zlib.brotliCompressSync(zlib.gzipSync(TEXT))],
    ['identity, deflate , gzip', zlib.gzipSync(zlib.deflateRawSync(TEXT))],
    ['gzip', Buffer.concat([zlib.gzipSync(TEXT.subarray(0, 9)), zlib.gzipSync(TEXT.subarray(9))])],
    ['UTF-8', TEXT],
    ['constructor', TEXT],
    ['gzip', TEXT],
    ['br', TEXT],
    ...(zstd ? [['zstd', zstd(TEXT)] as const] : []),
  ] as [string, Buffer][])('that comes as %s is read', async (encoding, body) => {
    const http = clientFor();
    const reply = () => serve(body, encoding, true).then((url) => http.send(url));
    expect((await readReply(http, await reply(), 1000)).toString()).toBe(TEXT.toString());
    expect(await readBeginning(http, await reply(), 1000)).toBe(TEXT.toString());
  });

  it('that is empty is empty, whatever its header says', async () => {
    const http = clientFor();
    expect(await readReply(http, await http.send(await serve(Buffer.alloc(0), 'gzip')), 9)).toHaveLength(0);
  });

  it('that grows beyond the limit when it is decoded is refused', async () => {
    const http = clientFor();
    const bomb = zlib.gzipSync(zlib.gzipSync(Buffer.alloc(2 ** 26)));
    const reply = await http.send(await serve(bomb, 'gzip, gzip'));
    await expect(readReply(http, reply, 2 ** 20)).rejects.toMatchObject({ code: 'DIMGX_IMAGE_DOCUMENT_TOO_LARGE' });
    const beginning = await readBeginning(http, await http.send(await serve(bomb, 'gzip, gzip')), 1000);
    expect(beginning).toHaveLength(1000);
  });

  it('that is encoded many times over is refused', () => {
    expect(() => contentCodings(['gzip, gzip', 'gzip, br, gzip'])).toThrow(/5 nested encodings/);
    expect(contentCodings(['gzip, none', 'BR'])).toEqual(['br', 'gzip']);
  });

  it('of which only the beginning is there is shown as far as it goes', async () => {
    const http = clientFor();
    const long = Buffer.from(Array.from({ length: 9999 }, (_, i) => `${i}`).join());
    const url = await serve(zlib.gzipSync(long), 'gzip');
    expect(long.toString().startsWith(await readBeginning(http, await http.send(url), 4000))).toBe(true);
  });
});

describe('a blob', () => {
  const layer = zlib.gzipSync(Buffer.alloc(200_000, 'a layer'));

  const download = async (body: Buffer, encoding: string, isChunked: boolean, isDoubted: boolean) => {
    const folder = await mkdtemp(`${tmpdir()}/dimgx-blob-`);
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = await open(`${folder}/blob`, 'w+');
    onTestFinished(() => file.close());
    const http = clientFor();
    const url = await serve(body, encoding, isChunked);
    const origin = {
      http,
      attempts: 1,
      isPassing: () => false,
      wait: async () => undefined,
      open: () => http.send(url),
    };
    const appender = new Appender({ write: (bytes, position) => writeAllAt(file.fd, bytes, position) });
    await downloadBlob(
      { digest: 'sha256:x' as never, size: layer.length, name: 'a layer', isDoubted },
      origin,
      appender,
    );
    return (await readFile(`${folder}/blob`)).equals(layer);
  };

  test.each<[string, Buffer, string, boolean, boolean]>([
    ['that is called encoded for its own compression', layer, 'gzip', false, false],
    ['over which one is laid, of another length', zlib.gzipSync(layer), 'gzip', false, false],
    ['over which two are laid', zlib.brotliCompressSync(zlib.deflateSync(layer)), 'deflate, br', false, false],
    ['over which one is laid, without a length', zlib.gzipSync(layer), 'gzip', true, false],
    ['that is called encoded, without a length, once that has gone wrong', layer, 'gzip', true, true],
    ['with a header that means nothing', layer, 'UTF-8', true, false],
  ])('%s is read', async (_, body, encoding, isChunked, isDoubted) => {
    expect(await download(body, encoding, isChunked, isDoubted)).toBe(true);
  });

  test.each<[string, Buffer, string]>([
    ['that is longer once it is decoded', zlib.gzipSync(Buffer.alloc(2 ** 26)), 'gzip'],
    ['that is shorter', zlib.gzipSync(layer.subarray(1)), 'gzip'],
    ['that is not encoded as it says', Buffer.alloc(layer.length - 1), 'br'],
    ['of which the encoding is cut', zlib.gzipSync(layer).subarray(0, -9), 'gzip'],
  ])('%s is refused', async (_, body, encoding) => {
    await expect(download(body, encoding, true, false)).rejects.toMatchObject({ code: 'DIMGX_IMAGE_SIZE_MISMATCH' });
  });
});
