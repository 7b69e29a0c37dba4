import { createServer } from 'node:http';
import { afterEach, describe, expect, it, onTestFinished, test, vi } from 'vitest';
import type { Credentials } from '#dimgx/source/credentials/credentials.js';
import { Authorization } from '#dimgx/source/registry/authorization.js';
import { HttpClient, type HttpReply } from '#dimgx/source/registry/http-client.js';
import { codeOf } from '../../helpers/opened-engine.js';
import { listen } from '../../helpers/registry-proxy.js';

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
  const timeouts = { connect: 1000, answer: 1000, idle: 1000 };
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
      expect(await codeOf(authorization().answer(asked, 'a', undefined))).toBe('DIMGX_SOURCE_REGISTRY_FAILED');
    },
  );

  test.each(['', 'token', 'file:///etc/passwd', 'http://a:b@127.0.0.1/'])(
    'is got from no such place: %j',
    async (realm) => {
      const asked = refusal(HERE, `Bearer realm="${realm}"`);
      expect(await codeOf(authorization().answer(asked, 'a', undefined))).toBe('DIMGX_SOURCE_REGISTRY_FAILED');
    },
  );
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

describe('what is shown', () => {
  test.each([
    ['s3cret', 's3cret-and-more'],
    ['and-s3cret-more', 's3cret'],
  ])(
    'leaves nothing of itself in a text that echoes it, though it lies in another secret: %s, %s',
    async (password, registryToken) => {
      const shown = authorization({ ...LOGIN, password, registryToken });
      await shown.answer(refusal(HERE, 'Bearer realm="http://127.0.0.1:5000/token"'), 'a', undefined);
      expect(await shown.redact(`you sent ${registryToken} and ${password}`)).toBe('you sent *** and ***');
    },
  );
});
