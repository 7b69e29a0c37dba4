import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it, test } from 'vitest';
import { parseEndpoint } from '#dimgx/engine/endpoint.js';
import { openEngine, openFirst } from '#dimgx/engine/open-engine.js';
import { fakeEngine, rawServer } from '../helpers/fake-engine.js';
import { temporaryFolder } from '../helpers/members.js';
import { codeOf, opened, openFake, TIMEOUTS } from '../helpers/opened-engine.js';

const ID = 'a'.repeat(64);
const PARENT = 'b'.repeat(64);

describe('an engine', () => {
  it('tells its images, with IDs as hex digits, without the names that are none', async () => {
    const engine = await openFake({
      '/images/json': [
        {
          Id: `sha256:${ID}`,
          ParentId: `sha256:${PARENT}`,
          RepoTags: ['a:1', '<none>:<none>'],
          RepoDigests: null,
          Created: 7,
          Size: 8,
        },
        {
          Id: PARENT,
          ParentId: null,
          RepoTags: null,
          RepoDigests: ['<none>@<none>', `a@sha256:${ID}`],
          Created: -9,
          Size: 0,
        },
      ],
    });
    expect(await engine.images()).toEqual([
      { id: ID, parentId: PARENT, repoTags: ['a:1'], repoDigests: [], fullNames: ['a:1'], created: 7, size: 8 },
      {
        id: PARENT,
        parentId: undefined,
        repoTags: [],
        repoDigests: [`a@sha256:${ID}`],
        fullNames: [`a@sha256:${ID}`],
        created: -9,
        size: 0,
      },
    ]);
  });

  it('is asked for intermediate images too, in its API', async () => {
    const urls: unknown[] = [];
    const answer = (api: object) => ({
      '/version': api,
      '/images/json': (request: { url?: string }, response: ServerResponse) => {
        urls.push(request.url);
        response.end('[]');
      },
    });
    await (await openFake(answer({ ApiVersion: '1.24' }))).images();
    await (await openFake(answer({ ApiVersion: '1.51', MinAPIVersion: '1.24' }))).images();
    await (await openFake(answer({ ApiVersion: '1.60', MinAPIVersion: '1.52' }))).images();
    expect(urls).toEqual(['/v1.24/images/json?all=true', '/v1.49/images/json?all=true', '/v1.52/images/json?all=true']);
  });

  it('tells an image and its history', async () => {
    const diffId = `sha256:${ID}`;
    const engine = await openFake({
      '/images/a/json': {
        Id: `sha256:${ID}`,
        Parent: '',
        Created: '2020-01-01T00:00:00Z',
        Architecture: 'arm64',
        Os: 'linux',
        Variant: 'v8',
        RootFS: { Type: 'layers', Layers: [diffId] },
        Size: 5,
      },
      '/images/a/history': [
        { Id: ID, Created: 3, CreatedBy: 'x', Comment: '', Size: 4, Tags: ['a:1'] },
        { Id: '<missing>', Created: 2, CreatedBy: '', Size: 0, Tags: null },
      ],
    });
    expect(await engine.inspect('a')).toEqual({
      id: ID,
      parentId: undefined,
      repoTags: [],
      repoDigests: [],
      created: '2020-01-01T00:00:00Z',
      architecture: 'arm64',
      os: 'linux',
      variant: 'v8',
      diffIds: [diffId],
      size: 5,
    });
    expect(await engine.history('a')).toEqual([
      { created: 3, createdBy: 'x', comment: '', size: 4 },
      { created: 2, createdBy: '', comment: '', size: 0 },
    ]);
  });

  it('is asked in the version of the API that DOCKER_API_VERSION names', async () => {
    const urls: unknown[] = [];
    const list = (request: { url?: string }, response: ServerResponse) => {
      urls.push(request.url);
      response.end('[]');
    };
    const ask = async (DOCKER_API_VERSION: string) =>
      await (await openFake({ '/images/json': list }, { env: { DOCKER_API_VERSION } })).images();
    for (const version of ['1.30', 'v1.50', ' 1.24 ', '']) await ask(version);
    expect(urls.map((url) => String(url).split('/')[1])).toEqual(['v1.30', 'v1.50', 'v1.24', 'v1.41']);
    for (const version of ['1.23', 'x', '1.41/../..', '-']) {
      expect(await codeOf(ask(version))).toBe('DIMGX_ENGINE_CONFIG');
    }
  });

  it('does not have an image of a name that no image can have, and is not asked', async () => {
    let asked = 0;
    const count = () => (asked += 1);
    const engine = await openFake({ '/images/json': count, '/version/json': count, '/images/a/../json': count });
    for (const name of ['', '..', 'a/../..', '/json', 'a/', '../version']) {
      expect(await engine.inspect(name)).toBeUndefined();
      expect(await codeOf(engine.save(name))).toBe('DIMGX_ENGINE_FAILED');
      expect(await codeOf(engine.history(name))).toBe('DIMGX_ENGINE_FAILED');
    }
    expect(await engine.inspect('a?x=/json#\u0000\u202e')).toBeUndefined();
    expect(asked).toBe(0);
  });

  it('may end a connection between two requests: another is made', async () => {
    let connections = 0;
    const host = await rawServer((socket) => {
      connections += 1;
      let answers = 0;
      socket.on('data', (data) => {
        if (answers++ > 0) return socket.destroy();
        const body = data.toString().includes('/version') ? '{"ApiVersion":"1.41"}' : '[]';
        return socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      });
    });
    const engine = await opened(await openEngine({ host }));
    expect(await engine.images()).toEqual([]);
    expect(connections).toBe(2);
  });
});

describe('an engine that cannot be used', () => {
  test.each([
    ['1.23', 'DIMGX_ENGINE_TOO_OLD'],
    ['1.9', 'DIMGX_ENGINE_TOO_OLD'],
    ['\u001b[31m', 'DIMGX_ENGINE_TOO_OLD'],
    [7, 'DIMGX_ENGINE_FAILED'],
  ])('has the API %s', async (ApiVersion, code) => {
    expect(await codeOf(openFake({ '/version': { ApiVersion } }))).toBe(code);
  });

  test.each([
    ['text that is not HTTP', 'SSH-2.0-OpenSSH\r\n'],
    ['text that is not JSON', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{,}'],
    ['JSON that is not a version', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]'],
    ['less than it says', 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"ApiVersion"'],
    ['to ask elsewhere', 'HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n'],
    ['to change the protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'],
    ['a failure and nothing more', 'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 99\r\n\r\n{"mess'],
  ])('answers %s', async (_name, answer) => {
    const host = await rawServer((socket) => socket.once('data', () => socket.end(answer)));
    expect(await codeOf(openEngine({ host }))).toMatch(/^DIMGX_ENGINE_(FAILED|UNREACHABLE)$/);
  });

  test.each([
    ['404 Not Found', '404 page not found\n', 'HTTP 404 to GET /version: 404 page not found'],
    ['404 Not Found', '<!DOCTYPE html>\n', 'HTTP 404 to GET /version'],
    ['302 Found', '', 'HTTP 302 to GET /version'],
    ['204 No Content', '', 'HTTP 204 to GET /version'],
    ['200 OK', '<!DOCTYPE html>', 'its answer is not JSON: .*'],
    ['200 OK', '', 'its answer is not JSON: .*'],
    ['200 OK', '{"Version":"7"}', 'its version does not have the required structure.*'],
  ])('is another server, which answers %s: %s', async (status, body, reason) => {
    const host = await rawServer((socket) =>
      socket.once('data', () => socket.end(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)),
    );
    await expect(openEngine({ host })).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_FAILED',
      message: expect.stringMatching(
        `^the server at ${host} is not a container engine \\(${reason}\\): check the address$`,
      ),
    });
  });

  it('may be one that is out of order, which its address does not help', async () => {
    const refusing = (_: unknown, response: ServerResponse) => response.writeHead(503).end('starting');
    await expect(openFake({ '/version': refusing })).rejects.toMatchObject({
      message: expect.stringMatching(/failed at GET \/version with HTTP 503: starting$/),
    });
  });

  it('says nothing, or hangs up', async () => {
    expect(await codeOf(openEngine({ host: await rawServer(() => {}), timeouts: TIMEOUTS }))).toBe(
      'DIMGX_ENGINE_UNREACHABLE',
    );
    const host = await rawServer((socket) => socket.destroy());
    expect(await codeOf(openEngine({ host }))).toBe('DIMGX_ENGINE_UNREACHABLE');
  });

  it('is at a socket whose path is too long, of which no part is taken for another', async () => {
    const folder = await temporaryFolder();
    const path = `${folder}/`.padEnd(108, 'é');
    await expect(openEngine({ host: `unix://${path}` })).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_UNREACHABLE',
      message: expect.stringMatching(/the path of the socket is longer than the \d+ bytes that the system allows/),
    });
  });

  it('does not allow it', async () => {
    const engine = await openFake({
      '/images/json': (_: unknown, response: ServerResponse) => response.writeHead(403).end('Forbidden\n\u001b[2J'),
    });
    expect(await codeOf(engine.images())).toBe('DIMGX_ENGINE_DENIED');
  });
});

describe('an answer that is not what was asked for', () => {
  test.each<[string, unknown]>([
    ['not JSON', (_: unknown, response: ServerResponse) => response.end('<html>')],
    ['not UTF-8', (_: unknown, response: ServerResponse) => response.end(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]))],
    ['not a list', {}],
    ['not a list of images', [[]]],
    ['of an image without ID', [{ ParentId: '', RepoTags: null, RepoDigests: null, Created: 1, Size: 1 }]],
    ['of a malformed ID', [{ Id: '../../x', ParentId: '', RepoTags: null, RepoDigests: null, Created: 1, Size: 1 }]],
    [
      'of a malformed parent',
      [{ Id: ID, ParentId: `${ID}\n`, RepoTags: null, RepoDigests: null, Created: 1, Size: 1 }],
    ],
    ['of tags that are no texts', [{ Id: ID, ParentId: '', RepoTags: [7], RepoDigests: null, Created: 1, Size: 1 }]],
    ['cut', (_: unknown, response: ServerResponse) => response.write('[', () => response.destroy())],
    ['stalled', (_: unknown, response: ServerResponse) => response.write('[')],
    ['not begun', () => {}],
    [
      'a failure',
      (_: unknown, response: ServerResponse) => response.writeHead(500).end('{"message":"out of\\nmemory"}'),
    ],
    [
      'a failure that is cut',
      (_: unknown, response: ServerResponse) => response.writeHead(500).write('{', () => response.destroy()),
    ],
    ['a failure that never ends', (_: unknown, response: ServerResponse) => endless(response.writeHead(500))],
    ['a redirection', (_: unknown, response: ServerResponse) => response.writeHead(301, { Location: 'x:y' }).end()],
  ])('is an error: %s', async (_name, answer) => {
    const engine = await openFake({ '/images/json': answer }, { timeouts: TIMEOUTS });
    expect(await codeOf(engine.images())).toBe('DIMGX_ENGINE_FAILED');
  });

  it('is an error when it never ends, before it fills the memory', async () => {
    const engine = await openFake({ '/images/json': (_: unknown, response: ServerResponse) => endless(response) });
    await expect(engine.images()).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_FAILED',
      message: expect.stringContaining('longer than 67108864 bytes'),
    });
  });

  it('is an error of the digest that is none', async () => {
    const details = { Id: ID, Parent: '', Created: '', RootFS: { Layers: ['sha256:x'] }, Size: 1 };
    const engine = await openFake({
      '/images/a/json': details,
      '/images/a/history': [{ Created: 1, Size: '1' }],
    });
    expect(await codeOf(engine.inspect('a'))).toBe('DIMGX_ENGINE_FAILED');
    expect(await codeOf(engine.history('a'))).toBe('DIMGX_ENGINE_FAILED');
  });
});

/** Writes until nobody listens. */
function endless(response: ServerResponse): void {
  const piece = Buffer.alloc(2 ** 20, ' ');
  const more = () => {
    while (!response.destroyed && response.write(piece));
  };
  response.on('drain', more);
  more();
}

describe('of several places', () => {
  const at = (...hosts: string[]) => hosts.map((host) => ({ endpoint: parseEndpoint(host), location: host }));

  it('the first where an engine answers is taken', async () => {
    const folder = await temporaryFolder();
    const dead = await rawServer((socket) => socket.destroy());
    const [first, second] = [await fakeEngine({}), await fakeEngine({})];
    const engine = await opened(await openFirst(at(`unix://${folder}/none`, dead, first, second), {}));
    expect(engine.location).toBe(first);
  });

  it('one is not passed over for answering what cannot be used', async () => {
    const old = await fakeEngine({ '/version': { ApiVersion: '1.2' } });
    expect(await codeOf(openFirst(at(old, await fakeEngine({})), {}))).toBe('DIMGX_ENGINE_TOO_OLD');
  });

  it('all are told when none is an engine, also what is no address', async () => {
    const folder = await temporaryFolder();
    const nowhere = { location: 'CONTAINER_HOST', reason: 'no address' };
    const search = openFirst([...at(`unix://${folder}/none`), nowhere, ...at(`unix://${folder}`)], {});
    const tried = `${folder}/none (no such socket), CONTAINER_HOST (no address), unix://${folder} (`;
    await expect(search).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_UNREACHABLE',
      message: expect.stringContaining(tried),
    });
    expect((await opened(await openFirst([nowhere, ...at(await fakeEngine({}))], {}))).location).toMatch(/^unix:/);
  });
});

describe("the HttpHeaders of docker's configuration", () => {
  const configured = async (text: string) => {
    const folder = await temporaryFolder();
    await writeFile(`${folder}/config.json`, text);
    return { DOCKER_CONFIG: folder };
  };

  it('are sent with every request, but for those that are not theirs to set', async () => {
    const seen: (string | undefined)[][] = [];
    const note = (answer: unknown) => (request: IncomingMessage, response: ServerResponse) => {
      const { 'x-meta': meta, host, connection, 'content-length': length } = request.headers;
      seen.push([String(meta), host, connection, length]);
      response.end(JSON.stringify(answer));
    };
    const answers = { '/version': note({ ApiVersion: '1.41' }), '/images/json': note([]) };
    const env = await configured(
      '{"HttpHeaders":{"X-Meta":"a b","host":"evil","Content-Length":"7","Transfer-Encoding":"x","Connection":"close"}}',
    );
    await (await openFake(answers, { env })).images();
    expect(seen).toEqual(Array(2).fill(['a b', 'docker', 'keep-alive', undefined]));
  });

  test.each([
    ['{"HttpHeaders":{"X":"hush\\nX-Y: z"}}'],
    ['{"HttpHeaders":{"X Y":"hush"}}'],
    ['{"HttpHeaders":{"X":["hush"]}}'],
    ['{"HttpHeaders":"hush"}'],
    ['{"httpheaders":{"X Y":"hush"}}'],
  ])('that HTTP does not allow are refused, and not told: %s', async (text) => {
    const failure = await openFake({}, { env: await configured(text) }).then(
      () => expect.unreachable(),
      (error: Error) => error,
    );
    expect(failure).toMatchObject({ code: 'DIMGX_ENGINE_CONFIG' });
    expect(failure.cause).toBeUndefined();
    expect(failure.stack).toContain('HttpHeaders');
    expect(failure.stack).not.toContain('hush');
  });

  it('are none where the configuration is empty, or cannot be read: a host was named', async () => {
    for (const text of ['{', '', 'null']) {
      const engine = await openFake({ '/images/json': [] }, { env: await configured(text) });
      expect(await engine.images()).toEqual([]);
    }
  });
});
