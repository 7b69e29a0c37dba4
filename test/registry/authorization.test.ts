import { createServer } from 'node:http';
import { afterEach, describe, expect, it, onTestFinished, test, vi } from 'vitest';
import { HttpClient, type HttpReply } from '#dimgx/base/http/http-client.js';
import { Authorization, redactor } from '#dimgx/registry/authorization.js';
import type { Credentials } from '#dimgx/registry/credentials/auth-file.js';
import { tokenRealm } from '#dimgx/registry/request-token.js';
import { codeOf } from '../helpers/opened-engine.js';
import { listen } from '../helpers/registry-proxy.js';

afterEach(() => void vi.useRealTimers());

const LOGIN = { username: 'me', password: 's3cret', identityToken: '', registryToken: '' };

/** A server for tokens, each with its number, that says how long they are good; and what it was shown. */
async function tokenServer(answer?: string) {
  const shown: (string | undefined)[] = [];
  const server = createServer(({ headers }, response) => {
    shown.push(headers.authorization);
    response.end(answer ?? JSON.stringify({ token: `t${shown.length}`, expires_in: 100 }));
  });
  return { realm: `http://${await listen(server)}/token`, shown };
}

function authorization(credentials: Credentials | undefined = LOGIN, isInsecure = false) {
  const timeouts = { connect: 1000, greeting: 1000, answer: 1000, idle: 1000 };
  const http = new HttpClient({ env: {}, isInsecure: () => isInsecure, timeouts });
  onTestFinished(() => http.close());
  return new Authorization({ http, isInsecure, credentials: async () => credentials });
}

/** A refusal, as far as it is looked at. */
const refusal = (url: string, ...challenges: string[]) =>
  ({ url: new URL(url), headers: () => challenges }) as unknown as HttpReply;

const HERE = 'http://127.0.0.1:5000/v2/';

describe('a token', () => {
  it('is used for its scope until it is too old, and then another is got', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { realm } = await tokenServer();
    const shown = authorization();
    const asked = refusal(HERE, `Bearer realm="${realm}"`);
    expect(await shown.header('a')).toBeUndefined();
    expect(await shown.answer(asked, 'a', undefined)).toBe('Bearer t1');
    expect(await shown.header('a')).toBe('Bearer t1');
    expect(await shown.header('b')).toBeUndefined();
    expect(await shown.answer(asked, 'b', undefined)).toBe('Bearer t2');
    vi.setSystemTime(Date.now() + 99_000);
    expect(await shown.header('a')).toBeUndefined();
    expect(await shown.answer(asked, 'a', undefined)).toBe('Bearer t3');
  });

  it('that several requests find too old is got once', async () => {
    const { realm, shown: asked } = await tokenServer();
    const shown = authorization();
    const refused = refusal(HERE, `Bearer realm="${realm}"`);
    const first = await shown.answer(refused, 'a', undefined);
    const next = await Promise.all([1, 2, 3].map(() => shown.answer(refused, 'a', first)));
    expect([first, ...next]).toEqual(['Bearer t1', 'Bearer t2', 'Bearer t2', 'Bearer t2']);
    expect(asked).toHaveLength(2);
  });

  it('goes before a password, and one that the user has goes before both', async () => {
    const { realm } = await tokenServer();
    const both = refusal(HERE, 'Basic realm="x"', `Bearer realm="${realm}"`);
    expect(await authorization().answer(both, 'a', undefined)).toBe('Bearer t1');
    const own = authorization({ ...LOGIN, registryToken: 'mine' });
    expect(await own.answer(both, 'a', undefined)).toBe('Bearer mine');
    expect(await own.answer(both, 'a', 'Bearer mine')).toBeUndefined();
  });

  test.each(['', '[]', '{}', '{"token":""}', '{"token":5}', '{"token":"a\\r\\nb: c"}', 'null'])(
    'cannot be %j',
    async (answer) => {
      const { realm } = await tokenServer(answer);
      const asked = refusal(HERE, `Bearer realm="${realm}"`);
      expect(await codeOf(authorization().answer(asked, 'a', undefined))).toBe('DIMGX_REGISTRY_FAILED');
    },
  );

  test.each(['', 'token', 'file:///etc/passwd', 'http://a:b@127.0.0.1/'])(
    'is got from no such place: %j',
    async (realm) => {
      const asked = refusal(HERE, `Bearer realm="${realm}"`);
      expect(await codeOf(authorization().answer(asked, 'a', undefined))).toBe('DIMGX_REGISTRY_FAILED');
    },
  );
});

describe('the scope that a challenge names', () => {
  /** A server for tokens that refuses some scopes, and what it was asked for. */
  async function choosy(refused: (scopes: readonly string[]) => number | undefined) {
    const asked: (readonly string[])[] = [];
    const server = createServer(({ url = '' }, response) => {
      const scopes = new URL(url, 'http://x').searchParams.getAll('scope');
      asked.push(scopes);
      response.writeHead(refused(scopes) ?? 200).end(JSON.stringify({ token: `t${asked.length}` }));
    });
    const realm = `http://${await listen(server)}/token`;
    const challenge = (scope: string) => refusal(HERE, `Bearer realm="${realm}",scope="${scope}"`);
    return { asked, challenge };
  }

  it('is asked for besides when the token for the own one is not enough, and then alone', async () => {
    const { asked, challenge } = await choosy(() => undefined);
    const [shown, tried] = [authorization(), new Set<string>()];
    let header: string | undefined;
    for (const expected of ['t1', 't2', 't3']) {
      header = await shown.answer(challenge('b c'), 'a', header, tried);
      expect(header).toBe(`Bearer ${expected}`);
    }
    expect(await shown.answer(challenge('b c'), 'a', header, tried)).toBeUndefined();
    expect(asked).toEqual([['a'], ['a', 'b', 'c'], ['b', 'c']]);
  });

  test.each([400, 401, 403, 404, 422])(
    'is asked for alone when no token is given for the own one: %d',
    async (status) => {
      const { asked, challenge } = await choosy((scopes) => (scopes.includes('a') ? status : undefined));
      const shown = authorization();
      expect(await shown.answer(challenge('b'), 'a', undefined)).toBe('Bearer t2');
      expect(await shown.header('a')).toBe('Bearer t2');
      expect(asked).toEqual([['a'], ['b']]);
    },
  );

  test.each([429, 500, 503, 302])('is not asked for when the server only has no time: %d', async (status) => {
    const { asked, challenge } = await choosy(() => status);
    await expect(authorization().answer(challenge('b'), 'a', undefined)).rejects.toMatchObject({ status });
    expect(asked).toEqual([['a']]);
  });

  it('is not asked for when it is the own one: no password is shown twice', async () => {
    const { asked, challenge } = await choosy(() => 401);
    await expect(authorization().answer(challenge('a'), 'a', undefined)).rejects.toMatchObject({ status: 401 });
    expect(asked).toEqual([['a']]);
  });

  it('is remembered, and added to what was enough before', async () => {
    const { asked, challenge } = await choosy(() => undefined);
    const shown = authorization();
    const first = await shown.answer(challenge('a'), 'a', undefined);
    const second = await shown.answer(challenge('b'), 'a', first);
    expect(await shown.header('a')).toBe(second);
    expect(await shown.answer(challenge('c'), 'a', second)).toBe('Bearer t3');
    expect(asked).toEqual([['a'], ['a', 'b'], ['a', 'b', 'c']]);
  });

  it('does not grow without an end, though the registry names another each time', async () => {
    const { asked, challenge } = await choosy(() => undefined);
    const shown = authorization();
    let header: string | undefined;
    for (let i = 0; i < 40; i++) header = await shown.answer(challenge(`s${i} t${i}`), 'a', header);
    expect(Math.max(...asked.map((scopes) => scopes.length))).toBeLessThanOrEqual(8);
    await shown.answer(challenge('x'.repeat(5000)), 'a', header);
    expect(JSON.stringify(asked)).not.toContain('xx');
  });

  it('does not matter without a scope of its own', async () => {
    const { asked, challenge } = await choosy((scopes) => (scopes.length === 0 ? 400 : undefined));
    expect(await authorization().answer(challenge('b'), '', undefined)).toBe('Bearer t2');
    expect(asked).toEqual([[], ['b']]);
  });
});

describe('a server for tokens that is not there', () => {
  it('is named, at once', async () => {
    const asked = refusal(HERE, 'Bearer realm="http://127.0.0.1:1/token"');
    const failure = await authorization()
      .answer(asked, 'a', undefined)
      .catch((error) => error);
    expect(failure).toMatchObject({
      code: 'DIMGX_REGISTRY_UNREACHABLE',
      message: expect.stringMatching(/^the token server 127\.0\.0\.1:1 of 127\.0\.0\.1:5000 cannot be reached: /),
    });
  });

  it('is waited for when it was there before', async () => {
    let isThere = true;
    const server = createServer((_request, response) => {
      response.setHeader('connection', 'close').end(JSON.stringify({ token: 'good' }));
      if (isThere) server.close();
      isThere = false;
    });
    const asked = refusal(HERE, `Bearer realm="http://${await listen(server)}/token"`);
    const shown = authorization();
    const first = await shown.answer(asked, 'a', undefined);
    await expect(shown.answer(asked, 'a', first)).rejects.toMatchObject({ kind: 'cut' });
  });
});

describe('credentials', () => {
  const BASIC = `Basic ${Buffer.from('me:s3cret').toString('base64')}`;

  it('are shown over TLS, on this machine, and elsewhere only if the user wants it so', async () => {
    const shown = (url: string, isInsecure = false) =>
      authorization(LOGIN, isInsecure).answer(refusal(url, 'Basic realm="x"'), 'a', undefined);
    expect(await shown('https://registry.example/')).toBe(BASIC);
    expect(await shown('http://[::1]:5000/')).toBe(BASIC);
    expect(await shown('http://registry.example/')).toBeUndefined();
    expect(await shown('http://registry.example/', true)).toBe(BASIC);
  });

  it('are not shown where a registry without TLS says that its tokens are, unless that is the same machine', async () => {
    const { realm, shown } = await tokenServer();
    const asked = (url: string) => refusal(url, `Bearer realm="${realm}"`);
    await authorization(LOGIN, true).answer(asked('http://registry.example/'), 'a', undefined);
    await authorization(LOGIN, true).answer(asked('http://localhost:5000/'), 'a', undefined);
    expect(shown).toEqual([undefined, BASIC]);
  });

  it('that were not enough are not shown again', async () => {
    expect(await authorization().answer(refusal(HERE, 'Basic realm="x"'), 'a', BASIC)).toBeUndefined();
    expect(await authorization().answer(refusal(HERE, 'Negotiate'), 'a', undefined)).toBeUndefined();
    expect(await authorization().answer(refusal(HERE), 'a', undefined)).toBeUndefined();
  });
});

describe('a place for tokens without TLS', () => {
  const realmOf = (realm: string, registry: string) =>
    tokenRealm({ scheme: 'bearer', parameters: new Map([['realm', realm]]) }, new URL(registry)).url.href;

  test.each([
    ['http://reg.test/token?x=y', 'https://reg.test/v2/', 'https://reg.test/token?x=y'],
    ['http://reg.test/token', 'https://reg.test:5000/v2/', 'https://reg.test/token'],
    ['http://REG.test:5000/token', 'https://reg.test:5000/v2/', 'https://reg.test:5000/token'],
    ['http://reg.test/token', 'http://reg.test/v2/', 'http://reg.test/token'],
    ['https://auth.test/token', 'https://reg.test/v2/', 'https://auth.test/token'],
    ['http://auth.test/token', 'http://reg.test/v2/', 'http://auth.test/token'],
  ])('%s of %s is asked as %s', (realm, registry, asked) => {
    expect(realmOf(realm, registry)).toBe(asked);
  });

  test.each([
    ['http://auth.test/token', 'https://reg.test/v2/'],
    ['http://reg.test.evil/token', 'https://reg.test/v2/'],
    ['http://a.reg.test/token', 'https://reg.test/v2/'],
    ['http://127.0.0.1/token', 'https://localhost/v2/'],
  ])('%s of %s is refused', (realm, registry) => {
    expect(() => realmOf(realm, registry)).toThrow(/by plain HTTP, which is refused$/);
  });
});

describe('what is shown', () => {
  test.each([
    ['s3cret', 's3cret-and-more'],
    ['and-s3cret-more', 's3cret'],
  ])(
    'leaves nothing of itself in a text that echoes it, though it lies in another secret: %s, %s',
    async (password, registryToken) => {
      const shown = authorization({ ...LOGIN, password, registryToken });
      await shown.answer(refusal(HERE, 'Bearer realm="http://127.0.0.1:5000/token"'), 'a', undefined);
      const redact = redactor(await shown.secrets());
      expect(redact(`you sent ${registryToken} and ${password}`)).toBe('you sent *** and ***');
    },
  );
});
