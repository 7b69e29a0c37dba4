import { getEventListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, test } from 'vitest';
import type { PullProgress } from '#dimgx/engine/engine.js';
import { type EngineOptions, openEngine } from '#dimgx/engine/open-engine.js';
import { bytesOf } from '../helpers/bytes-of.js';
import { rawServer } from '../helpers/fake-engine.js';
import { codeOf, opened, openFake, TIMEOUTS } from '../helpers/opened-engine.js';

const ID = 'a'.repeat(64);

const head = (response: ServerResponse) => response.writeHead(200, { 'Content-Type': 'application/x-tar' });

describe('a saved image', () => {
  const saved = (answer: unknown, options: EngineOptions = { timeouts: TIMEOUTS }) =>
    openFake({ [`/images/${ID}/get`]: answer }, options).then((engine) => engine.save(ID));

  it('comes whole', async () => {
    const archive = await saved((_: unknown, response: ServerResponse) =>
      head(response).end(Buffer.alloc(3_000_000, 7)),
    );
    expect((await bytesOf(archive)).equals(Buffer.alloc(3_000_000, 7))).toBe(true);
  });

  test.each<[string, unknown]>([
    [
      'is cut',
      (_: unknown, response: ServerResponse) => head(response).write(Buffer.alloc(100_000), () => response.destroy()),
    ],
    ['stalls', (_: unknown, response: ServerResponse) => head(response).write(Buffer.alloc(100_000))],
    ['stalls at its beginning', (_: unknown, response: ServerResponse) => head(response).flushHeaders()],
  ])('is an error when it %s', async (_name, answer) => {
    expect(await codeOf(saved(answer).then(bytesOf))).toBe('DIMGX_ENGINE_FAILED');
  });

  it('is an error when nothing says whether all of it has come', async () => {
    const host = await rawServer((socket) =>
      socket.on('data', (data) => {
        const isVersion = data.toString().startsWith('GET /version');
        if (isVersion) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"ApiVersion":"1.41"}');
        else socket.end('HTTP/1.1 200 OK\r\n\r\nhalf of a tar');
      }),
    );
    const engine = await opened(await openEngine({ host }));
    expect(await codeOf(engine.save(ID).then(bytesOf))).toBe('DIMGX_ENGINE_FAILED');
  });

  it('is an error when the engine gives up, as engines say it', async () => {
    const said = '{"errorDetail":{"message":"write /tmp/x: no space left on device"},"error":"write"}\r\n';
    const archive = await saved((_: unknown, response: ServerResponse) => {
      head(response).write(Buffer.alloc(512));
      response.write(said.slice(0, 30), () => response.end(said.slice(30)));
    });
    await expect(bytesOf(archive)).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_FAILED',
      message: expect.stringContaining('no space left on device'),
    });
  });

  it('is an error at once when there is none', async () => {
    await expect(saved(undefined)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
      message: expect.stringMatching(
        / no longer has the image "a{64}", which was removed in the meantime: try again, or pull it$/,
      ),
    });
  });

  it.each(['keep-alive', 'close'])('may be read slowly: only the engine is not to rest (%s)', async (Connection) => {
    const archive = await saved((_: unknown, response: ServerResponse) =>
      response.writeHead(200, { Connection, 'Transfer-Encoding': 'chunked' }).end(Buffer.alloc(8_000_000)),
    );
    let length = 0;
    await archive.forEachPiece(async (piece) => {
      if (length === 0) await sleep(2 * TIMEOUTS.idle);
      length += piece.length;
    });
    expect(length).toBe(8_000_000);
  });

  it('ends the connection when its reader goes away', async () => {
    let gone = () => {};
    const isGone = new Promise<void>((resolve) => (gone = resolve));
    const archive = await saved((_: unknown, response: ServerResponse) => {
      response.on('close', gone);
      head(response).write('x');
    });
    archive.destroy();
    await isGone;
  });
});

describe('a pull', () => {
  const pulling = (...lines: string[]) => ({
    '/images/create': (_: unknown, response: ServerResponse) => {
      for (const line of lines) response.write(line);
      response.end();
    },
  });

  it('tells its progress', async () => {
    const urls: unknown[] = [];
    const engine = await openFake({
      '/images/create': (request: { url?: string; method?: string }, response: ServerResponse) => {
        urls.push(request.method, request.url);
        response.write('{"status":"Pulling from a","id":"1"}\r\n{"status":"Down');
        response.end(
          'loading","progressDetail":{"current":5,"total":9},"id":"abc"}\r\n\r\n{"stream":"x"}\n{"status":"Done"}',
        );
      },
    });
    const seen: PullProgress[] = [];
    await engine.pull('h:5000/a', { platform: 'linux/arm64', onProgress: (progress) => seen.push(progress) });
    await engine.pull(`a@sha256:${ID}`);
    expect(seen).toEqual([
      { id: '1', status: 'Pulling from a', current: undefined, total: undefined },
      { id: 'abc', status: 'Downloading', current: 5, total: 9 },
      { id: undefined, status: 'Done', current: undefined, total: undefined },
    ]);
    expect(urls).toEqual([
      'POST',
      '/v1.41/images/create?platform=linux%2Farm64&fromImage=h%3A5000%2Fa&tag=latest',
      'POST',
      `/v1.41/images/create?fromImage=a&tag=sha256%3A${ID}`,
    ]);
  });

  it('shows credentials to the engine as docker does, and nowhere else', async () => {
    const seen: [string | undefined, unknown][] = [];
    const engine = await openFake({
      '/images/create': ({ url, headers }: IncomingMessage, response: ServerResponse) => {
        seen.push([url, headers['x-registry-auth']]);
        response.end();
      },
    });
    const none = { username: '', password: '', identityToken: '', registryToken: '' };
    await engine.pull('a', { credentials: { ...none, username: 'me', password: 'ÿ?>hush~' } });
    await engine.pull('h:1/a', { credentials: { ...none, identityToken: 'i', registryToken: 'r' } });
    await engine.pull('a');
    expect(seen.map(([url]) => url).join()).not.toMatch(/hush|auth/);
    const documents = seen.slice(0, 2).map(([, header]) => {
      expect(header).toMatch(/^(?:[A-Za-z0-9_-]{4})*[A-Za-z0-9_-]{2}(?:==|[A-Za-z0-9_-]=|[A-Za-z0-9_-]{2})$/);
      return JSON.parse(Buffer.from(String(header), 'base64url').toString());
    });
    expect(documents).toEqual([
      { serveraddress: 'https://index.docker.io/v1/', username: 'me', password: 'ÿ?>hush~' },
      { serveraddress: 'h:1', identitytoken: 'i', registrytoken: 'r' },
    ]);
    expect(seen[2]?.[1]).toBeUndefined();
  });

  test.each([
    ['the engine gives up', '{"status":"x"}\n{"errorDetail":{"message":"denied\\n"},"error":"denied"}\n'],
    ['the engine gives up as older ones do', '{"error":"denied"}'],
    ['a report is not JSON', 'denied\n'],
    ['a report is none', '[]\n'],
    ['a report never ends', '{"status":"'.padEnd(2 ** 21)],
  ])('is an error when %s', async (_name, text) => {
    const engine = await openFake(pulling(text));
    expect(await codeOf(engine.pull('a'))).toBe('DIMGX_ENGINE_FAILED');
  });

  it('is an error when it is cut, or stalls', async () => {
    const cut = (_: unknown, response: ServerResponse) => response.write('{"status":"x"}\n', () => response.destroy());
    expect(await codeOf((await openFake({ '/images/create': cut })).pull('a'))).toBe('DIMGX_ENGINE_FAILED');
    const stalled = (_: unknown, response: ServerResponse) => response.write('{"status":"x"}\n');
    expect(await codeOf((await openFake({ '/images/create': stalled }, { timeouts: TIMEOUTS })).pull('a'))).toBe(
      'DIMGX_ENGINE_FAILED',
    );
  });
});

describe('cancelling', () => {
  const silent = () => {};

  it('ends what is under way at once', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const begun = (_: unknown, response: ServerResponse) => head(response).write('x');
    const engine = await openFake(
      { '/images/json': silent, '/images/create': begun, [`/images/${ID}/get`]: begun },
      { signal },
    );
    const archive = await engine.save(ID);
    const works = [engine.images(), engine.pull('a'), bytesOf(archive)].map(codeOf);
    await sleep(50);
    controller.abort();
    expect(await Promise.all(works)).toEqual(Array(3).fill('DIMGX_ABORTED'));
    expect(await codeOf(engine.images())).toBe('DIMGX_ABORTED');
    await engine.close();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('ends the search for the engine', async () => {
    const host = await rawServer(silent);
    expect(await codeOf(openEngine({ host, signal: AbortSignal.timeout(50) }))).toBe('DIMGX_ABORTED');
    expect(await codeOf(openEngine({ host, signal: AbortSignal.abort() }))).toBe('DIMGX_ABORTED');
  });

  it('is not the same as closing, which fails what is under way', async () => {
    const engine = await openFake({ '/images/json': silent });
    const code = codeOf(engine.images());
    await sleep(50);
    await engine.close();
    expect(await code).toBe('DIMGX_ENGINE_FAILED');
  });
});
