import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { HttpClient } from '#dimgx/base/http/http-client.js';
import type { Credentials } from '#dimgx/registry/credentials/auth-file.js';
import { requestToken, type TokenRequest } from '#dimgx/registry/request-token.js';
import { makeCertificates } from '../helpers/certificates.js';
import { whyNotHere } from '../helpers/engines.js';
import { type Gateway, gateway, type Verdict } from '../helpers/gateway.js';
import { temporaryFolder } from '../helpers/members.js';
import { listen } from '../helpers/registry-proxy.js';

const LOGIN: Credentials = { username: 'me', password: 's3cret', identityToken: '', registryToken: '' };
const BASIC = `Basic ${Buffer.from('me:s3cret').toString('base64')}`;
const IDENTITY: Credentials = { username: '', password: '', identityToken: 'hush', registryToken: '' };
const GOOD = { status: 200, body: '{"token":"good"}' };

function client(isInsecure = false): HttpClient {
  const http = new HttpClient({
    env: {},
    isInsecure: () => isInsecure,
    timeouts: { connect: 1000, greeting: 1000, answer: 1000, idle: 300 },
  });
  onTestFinished(() => http.close());
  return http;
}

const tokens = (...answers: readonly Verdict[]): Promise<Gateway> => {
  const left = [...answers];
  return gateway('', () => left.shift() ?? { status: 500 });
};

function ask(realm: string, request: Partial<TokenRequest> = {}, http = client()) {
  return requestToken(http, {
    registry: new URL('https://reg.test/v2/'),
    realm: new URL(realm),
    service: 's',
    scopes: ['a', 'b'],
    credentials: LOGIN,
    ...request,
  });
}

const failing = (asked: Promise<unknown>) =>
  asked.then(
    () => expect.unreachable(),
    (failure) => failure,
  );

describe('a token', () => {
  it('is asked for by each scope, the user and the service', async () => {
    const { host, seen } = await tokens(GOOD);
    expect(await ask(`http://${host}/token?x=y`)).toMatchObject({ text: 'good' });
    expect(seen).toMatchObject([{ authorization: BASIC, path: '/token?x=y&service=s&scope=a&scope=b&account=me' }]);
  });

  it('is asked for by the password where a server knows no identity tokens', async () => {
    for (const status of [404, 405]) {
      const { host, seen } = await tokens({ status }, GOOD);
      await ask(`http://${host}/token`, { credentials: { ...LOGIN, identityToken: 'hush' } });
      expect(seen.map(({ method, authorization }) => [method, authorization])).toEqual([
        ['POST', undefined],
        ['GET', BASIC],
      ]);
      const only = await tokens({ status }, GOOD);
      await failing(ask(`http://${only.host}/token`, { credentials: IDENTITY }));
      expect(only.seen).toHaveLength(1);
    }
  });

  test.each([
    ['access_token', '{"access_token":"good"}'],
    ['names in another letter case', '{"Token":"good","EXPIRES_IN":300}'],
    ['a byte order mark', '\ufeff{"token":"good"}'],
    ['a line end in it', '{"token":"good\\n"}'],
    ['an empty one besides', '{"token":"","access_token":"good"}'],
    ['null besides', '{"token":null,"access_token":"good","expires_in":null}'],
    ['more behind it', '{"token":"good"}\n<!-- served by x -->'],
  ])('is understood with %s', async (_name, body) => {
    const { host } = await tokens({ status: 201, body });
    expect(await ask(`http://${host}/`)).toMatchObject({ text: 'good' });
  });

  test.each([
    ['"300"', 300],
    ['300.5', 300.5],
    ['0', 60],
    ['-1', 60],
    ['"soon"', 60],
    ['{}', 60],
    ['1e300', 31_536_000],
  ])('that is good for %s is used for %d s', async (expires, seconds) => {
    const { host } = await tokens({ status: 200, body: `{"token":"good","expires_in":${expires}}` });
    const begun = Date.now();
    const { expires: until } = await ask(`http://${host}/`);
    expect(Math.round((until - begun) / 100)).toBeCloseTo(seconds * 10, -2);
  });

  test.each([
    ['is huge', { status: 200, body: JSON.stringify({ token: 'x'.repeat(70_000) }) }, 'DIMGX_REGISTRY_FAILED'],
    ['never ends', { status: 200, body: `{"token":"${'x'.repeat(2 ** 21)}` }, 'DIMGX_IMAGE_DOCUMENT_TOO_LARGE'],
  ])('that %s is none', async (_name, answer, code) => {
    const { host } = await tokens(answer);
    expect(await failing(ask(`http://${host}/`))).toMatchObject({ code });
  });
});

describe('a server that gives no token', () => {
  const said = async (answer: Verdict, request: Partial<TokenRequest> = {}) => {
    const { host } = await tokens(answer);
    const refusal = await failing(ask(`http://${host}/`, request));
    return { refusal, text: refusal.said((text: string) => text).replaceAll(host, 'HOST') };
  };

  it('is heard in its own words', async () => {
    const body = '{"details":"incorrect username or password"}';
    const wrong = 'HOST does not accept the credentials (HTTP 401, incorrect username or password)';
    expect((await said({ status: 401, body })).text).toBe(wrong);
    expect((await said({ status: 403, body: 'IP blocked' })).text).toMatch(/\(HTTP 403, IP blocked\)$/);
    expect((await said({ status: 400, body: '{"message":"no such service"}' })).text).toBe(
      'HOST returned no token (HTTP 400, no such service)',
    );
    expect((await said({ status: 503, body: '<html>back at 10:00</html>' })).text).toMatch(
      /\(HTTP 503, back at 10:00\)/,
    );
    expect((await said({ status: 302 })).text).toBe('HOST returned no token (HTTP 302)');
    expect((await said({ status: 401 }, { credentials: undefined })).text).toBe(
      'HOST gives no token without credentials (HTTP 401)',
    );
  });

  it('says when it may be asked again', async () => {
    const { refusal } = await said({ status: 429, headers: { 'retry-after': '7' } });
    expect(refusal).toMatchObject({ status: 429, retryAfter: 7000, isPassing: true });
    expect((await said({ status: 503 })).refusal).toMatchObject({ isPassing: true, retryAfter: undefined });
    expect((await said({ status: 401 })).refusal).toMatchObject({ isPassing: false });
  });

  it('is listened to no further than an error needs', async () => {
    const { text } = await said({ status: 403, body: `no ${'x'.repeat(2 ** 22)}` });
    expect(text.length).toBeLessThan(500);
  });

  it('that says nothing more is left', async () => {
    const { Server: HttpServer } = await import('node:http');
    const trickling = new HttpServer((_request, response) => {
      response.writeHead(200).write('{');
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    });
    const host = await listen(trickling);
    expect(await failing(ask(`http://${host}/`))).toMatchObject({ kind: 'cut' });
  });
});

describe('a redirect of a server for tokens', () => {
  test.each([301, 302, 303, 307, 308])('is followed on the same origin, with the credentials: %d', async (status) => {
    const { host, seen } = await tokens({ status, headers: { location: '/other/?scope=a' } }, GOOD);
    expect(await ask(`http://${host}/token`)).toMatchObject({ text: 'good' });
    expect(seen.map(({ authorization, path }) => [authorization, path.split('?')[0]])).toEqual([
      [BASIC, '/token'],
      [BASIC, '/other/'],
    ]);
  });

  test.each([301, 302, 307, 308])('is followed with an identity token, as a form: %d', async (status) => {
    const { host, seen } = await tokens({ status, headers: { location: '/token/' } }, GOOD);
    await ask(`http://${host}/token`, { credentials: IDENTITY });
    expect(seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /token', 'POST /token/']);
    expect(seen[1]?.headers['content-type']).toBe('application/x-www-form-urlencoded');
  });

  it('is not followed where a form would be left behind', async () => {
    const { host, seen } = await tokens({ status: 303, headers: { location: '/token/' } }, GOOD);
    expect(await failing(ask(`http://${host}/token`, { credentials: IDENTITY }))).toMatchObject({ status: 303 });
    expect(seen).toHaveLength(1);
  });

  test.each<[string, Credentials | undefined]>([
    ['a password', LOGIN],
    ['an identity token', IDENTITY],
    ['nothing', undefined],
  ])('to another port, host or scheme is refused, with %s at hand', async (_name, credentials) => {
    const other = await tokens(GOOD, GOOD, GOOD);
    const places = [
      `http://${other.host}/token`,
      `http://localhost:${other.port}/token`,
      `//${other.host}/token`,
      'ftp://127.0.0.1/token',
      'http://',
    ];
    for (const location of places) {
      const { host, seen } = await tokens({ status: 307, headers: { location } }, GOOD);
      expect(await failing(ask(`http://${host}/token`, { credentials }))).toMatchObject({ kind: 'refused' });
      expect(seen).toHaveLength(1);
    }
    const { host } = await gateway('', ({ headers }) => ({
      status: 307,
      headers: { location: `http://me:x@${headers.host}/` },
    }));
    expect(await failing(ask(`http://${host}/token`, { credentials }))).toMatchObject({ kind: 'refused' });
    expect(other.seen).toEqual([]);
  });

  it('that leads round is left', async () => {
    const { host, seen } = await gateway('', () => ({ status: 307, headers: { location: '/token' } }));
    const failure = await failing(ask(`http://${host}/token`));
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('more than 5 redirects') });
    expect(seen).toHaveLength(6);
  });

  it('tells no query of where it leads to', async () => {
    const { host } = await tokens({ status: 307, headers: { location: 'https://evil.example/x?password=s3cret' } });
    const { message } = await failing(ask(`http://${host}/token`));
    expect(message).toMatch(/redirects to "https:\/\/evil\.example\/x", which is not allowed$/);
  });

  const absent = whyNotHere('openssl');

  it.skipIf(absent)(`to TLS on the same host is followed, and never back${absent}`, async () => {
    const { server } = await makeCertificates(await temporaryFolder());
    const [cert, key] = await Promise.all(['cert', 'key'].map((name) => readFile(`${server}/${name}.pem`)));
    const shown: (string | undefined)[] = [];
    const plain = await tokens(GOOD);
    const secure = createTlsServer({ cert, key }, ({ headers, url }, response) => {
      shown.push(headers.authorization);
      if (url?.startsWith('/back')) response.writeHead(307, { location: `http://${plain.host}/token` });
      response.end(GOOD.body);
    });
    const port = (await listen(secure as unknown as Server)).split(':')[1];
    const from = await gateway('', ({ path }) => ({
      status: 301,
      headers: { location: `https://127.0.0.1:${port}${path}` },
    }));
    const elsewhere = await gateway('', ({ path }) => ({
      status: 301,
      headers: { location: `https://localhost:${port}${path}` },
    }));
    expect(await ask(`http://${from.host}/token`, {}, client(true))).toMatchObject({ text: 'good' });
    expect(shown).toEqual([BASIC]);
    expect(await failing(ask(`http://${from.host}/back`, {}, client(true)))).toMatchObject({ kind: 'refused' });
    expect(plain.seen).toEqual([]);
    expect(await failing(ask(`http://${elsewhere.host}/token`, {}, client(true)))).toMatchObject({ kind: 'refused' });
    expect(shown).toEqual([BASIC, BASIC]);
    expect(await failing(ask(`http://${from.host}/token`))).toMatchObject({ kind: 'tls' });
    expect(shown).toHaveLength(2);
  });
});
