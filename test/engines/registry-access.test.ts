import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { makeCertificates } from '../helpers/certificates.js';
import { whyNotHere } from '../helpers/engines.js';
import { type Gateway, gateway, type Passing } from '../helpers/gateway.js';
import { push, type Registry, startRegistry, USER } from '../helpers/registry.js';
import { type Ended, runDimgx } from '../helpers/run-dimgx.js';
import { startTokenServer, type TokenServer } from '../helpers/token-server.js';
import { dockerConfig, newUser } from '../helpers/user.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));

const absent = whyNotHere('docker-registry', 'skopeo', 'openssl');
const CREDS = `${USER.name}:${USER.password}`;
const BASIC = `Basic ${Buffer.from(CREDS).toString('base64')}`;
const ENTRY = { auth: Buffer.from(CREDS).toString('base64') };

const gives = ({ stderr, code }: Ended) => expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
const refused = ({ stderr, code }: Ended, saying: RegExp) => {
  expect(stderr).not.toMatch(/s3cret|Basic |Bearer |eyJ/);
  expect(stderr).toMatch(saying);
  expect(code).toBe(2);
};

/** What was shown for each request, in short. */
const shownOf = ({ seen }: Gateway) =>
  seen.map(
    ({ path, authorization }) => `${path.replace(/\?.*$|sha256:.*$/, '')} ${authorization?.split(' ')[0] ?? '-'}`,
  );
const isTop = ({ path }: Passing) => /^\/v2\/?$/.test(path);

describe.skipIf(absent)(`access to a registry${absent}`, () => {
  let folder: string;
  let tokens: TokenServer;
  /** Wants tokens. */
  let guarded: Registry;
  /** Wants a password. */
  let closed: Registry;
  /** Wants nothing. */
  let open: Registry;

  beforeAll(async () => {
    folder = await mkdtemp(`${tmpdir()}/dimgx-certificates-`);
    tokens = await startTokenServer((await makeCertificates(folder)).server);
    guarded = await startRegistry({ auth: tokens });
    closed = await startRegistry({ auth: 'htpasswd' });
    open = await startRegistry();
    for (const { host } of [guarded, closed, open]) {
      for (const path of ['public/box:1', 'private/box:1']) await push(`docker-archive:${FIXTURE}`, `${host}/${path}`);
    }
  });
  beforeEach(() => void tokens.asked.splice(0));
  afterAll(async () => {
    for (const each of [guarded, closed, open, tokens]) await each?.stop();
    await rm(folder, { recursive: true });
  });

  /** Flattens an image, as a user with stored credentials, or others. */
  const flatten = async (
    host: string,
    path: string,
    stored: Readonly<Record<string, object>> = {},
    ...args: string[]
  ) => {
    const home = await newUser({ '.docker/config.json': JSON.stringify({ auths: stored }) });
    return runDimgx(...args, '-t', `${home}/out.tar`, `docker://${host}/${path}`);
  };

  it('costs no request more where everything is public, though credentials are stored', async () => {
    const at = await gateway(open.host, () => undefined);
    gives(await flatten(at.host, 'public/box:1', { [at.host]: ENTRY }));
    expect(shownOf(at)).toEqual([
      '/v2/public/box/manifests/1 -',
      ...at.seen.slice(1).map(() => '/v2/public/box/blobs/ -'),
    ]);
    const plain = await gateway(open.host, () => undefined);
    gives(await flatten(plain.host, 'public/box:1'));
    expect(plain.seen).toHaveLength(at.seen.length);
  });

  it('costs no request more for what is not there, without credentials', async () => {
    const at = await gateway(open.host, () => undefined);
    refused(await flatten(at.host, 'public/none:1'), /DIMGX_SOURCE_NO_SUCH_IMAGE.*HTTP 404, MANIFEST_UNKNOWN/);
    expect(at.seen).toHaveLength(1);
  });

  describe('whose challenge names another scope than the path', () => {
    it('is had behind a server that rewrites paths', async () => {
      const at = await gateway(guarded.host, ({ path }) => ({ path: path.replace('/v2/team/', '/v2/') }));
      gives(await flatten(at.host, 'team/public/box:1'));
      expect(tokens.asked.map(({ parameters }) => parameters.scope)).toEqual([
        'repository:team/public/box:pull',
        'repository:public/box:pull',
      ]);
      expect(at.seen.filter(({ authorization }) => authorization === undefined)).toHaveLength(1);
      tokens.asked.splice(0);
      refused(
        await flatten(at.host, 'team/private/box:1'),
        /REGISTRY_DENIED.*401.*; store them with `dimgx login 127[^`]*`/,
      );
      gives(await flatten(at.host, 'team/private/box:1', { [at.host]: ENTRY }));
    });
  });

  describe('that does not let in who shows nothing, and does not ask', () => {
    test.each([401, 403, 404])('is had with credentials: %d', async (status) => {
      for (const { host } of [closed, guarded]) {
        const hide = (passing: Passing) =>
          passing.authorization === undefined && !isTop(passing) ? { status, body: '{}' } : undefined;
        const at = await gateway(host, hide);
        gives(await flatten(at.host, 'private/box:1', { [at.host]: ENTRY }));
        gives(await flatten(at.host, 'private/box:1', {}, '--creds', CREDS));
        expect(at.seen.filter(isTop)).toHaveLength(2);
        const other = await gateway(host, hide);
        refused(await flatten(other.host, 'private/box:1', { [at.host]: ENTRY }), new RegExp(`HTTP ${status}`));
        expect(other.seen).toHaveLength(1);
      }
    });

    it('is asked at its top once, where that says nothing either', async () => {
      const at = await gateway('', (passing) => (isTop(passing) ? { status: 200 } : { status: 404 }));
      refused(await flatten(at.host, 'private/box:1', { [at.host]: ENTRY }), /DIMGX_SOURCE_NO_SUCH_IMAGE.*HTTP 404/);
      expect(shownOf(at)).toEqual(['/v2/private/box/manifests/1 -', '/v2/ -']);
    });

    it('is not there, though the credentials are wrong or its top does not answer', async () => {
      const wrong = await gateway(guarded.host, (passing) => (isTop(passing) ? undefined : { status: 404 }));
      const absentImage = /DIMGX_SOURCE_NO_SUCH_IMAGE.*HTTP 404/;
      refused(await flatten(wrong.host, 'private/box:1', { [wrong.host]: { auth: 'eDp5' } }), absentImage);
      expect(tokens.asked).toHaveLength(1);
      const mute = await gateway('127.0.0.1:1', (passing) => (isTop(passing) ? undefined : { status: 404 }));
      refused(await flatten(mute.host, 'private/box:1', { [mute.host]: ENTRY }), absentImage);
      expect(mute.seen).toHaveLength(2);
    });

    it('shows nothing to where its top leads', async () => {
      const other = await gateway('', () => ({ status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }));
      const at = await gateway('', (passing) =>
        isTop(passing) ? { status: 307, headers: { location: `http://${other.host}/v2/` } } : { status: 404 },
      );
      refused(await flatten(at.host, 'private/box:1', { [at.host]: ENTRY }), /HTTP 404/);
      for (const { seen } of [at, other]) expect(seen.map(({ authorization }) => authorization)).not.toContain(BASIC);
    });

    it('is had where it leads to a store that lets nobody in without a signature', async () => {
      const bytes = new Map<string, Buffer>();
      const store = await gateway('', ({ path }) => {
        const [, digest = '', signature] = /^\/(sha256:\w+)\?sig=(\w+)$/.exec(path) ?? [];
        return signature === 'good' ? { status: 200, body: bytes.get(digest) ?? '' } : { status: 403 };
      });
      const at = await gateway(closed.host, ({ path, authorization }) => {
        const [, digest] = /blobs\/(.*)$/.exec(path) ?? [];
        const sig = authorization === BASIC ? 'good' : 'none';
        return digest ? { status: 302, headers: { location: `http://${store.host}/${digest}?sig=${sig}` } } : undefined;
      });
      const image = await gateway(closed.host, () => undefined);
      const home = await newUser({ '.docker/config.json': dockerConfig(at.host, ENTRY) });
      // the documents come from elsewhere, so that a layer is the first thing that is asked for
      gives(await runDimgx('--creds', CREDS, '-t', `${home}/a.tar`, `docker://${image.host}/private/box:1`));
      for (const { path } of image.seen) {
        const [, digest = ''] = /blobs\/(.*)$/.exec(path) ?? [];
        const answer = await fetch(`http://${closed.host}${path}`, { headers: { authorization: BASIC } });
        if (digest) bytes.set(digest, Buffer.from(await answer.arrayBuffer()));
      }
      gives(await runDimgx('--no-cache', '-t', `${home}/b.tar`, `docker://${at.host}/private/box:1`));
      expect(store.seen.map(({ authorization }) => authorization)).not.toContain(BASIC);
      expect(store.seen.length).toBeGreaterThan(0);
    });
  });

  describe('that leads to another registry', () => {
    const leadingTo = (host: string, own: (passing: Passing) => boolean = () => true) =>
      gateway(closed.host, (passing) =>
        own(passing) && !isTop(passing)
          ? { status: 307, headers: { location: `http://${host}${passing.path.replace('/vanity/', '/public/')}` } }
          : undefined,
      );

    it('is had with a token of the other', async () => {
      const other = await gateway(guarded.host, () => undefined);
      const at = await leadingTo(other.host);
      gives(await flatten(at.host, 'vanity/box:1', { [at.host]: { auth: 'eDp5' } }));
      expect(tokens.asked).toMatchObject([
        { authorization: undefined, parameters: { scope: 'repository:public/box:pull' } },
      ]);
      expect(other.seen.filter(({ authorization }) => authorization === undefined)).toHaveLength(1);
      expect(new Set(at.seen.map(({ authorization }) => authorization))).toEqual(new Set([undefined]));
    });

    it('is had with the credentials that are stored for the other, which the first never sees', async () => {
      for (const behind of [guarded, closed]) {
        const other = await gateway(behind.host, () => undefined);
        const at = await leadingTo(other.host);
        gives(await flatten(at.host, 'private/box:1', { [other.host]: ENTRY }));
        expect(at.seen.map(({ authorization }) => authorization).filter(Boolean)).toEqual([]);
      }
    });

    it('is had though the other does not ask, with the credentials that are stored for it', async () => {
      const other = await gateway(guarded.host, (passing) =>
        passing.authorization === undefined && !isTop(passing) ? { status: 403 } : undefined,
      );
      const at = await leadingTo(other.host);
      refused(await flatten(at.host, 'private/box:1'), /HTTP 403/);
      expect(other.seen).toHaveLength(1);
      gives(await flatten(at.host, 'private/box:1', { [other.host]: ENTRY }));
      expect(at.seen.map(({ authorization }) => authorization).filter(Boolean)).toEqual([]);
    });

    it('never shows the other its own, whether stored or given', async () => {
      for (const behind of [guarded, closed]) {
        const other = await gateway(behind.host, () => undefined);
        const at = await leadingTo(other.host);
        const advice = new RegExp(
          `REGISTRY_DENIED.*HTTP 401.* wants credentials; store them with \`dimgx login ${other.host}\`\n$`,
        );
        refused(await flatten(at.host, 'private/box:1', { [at.host]: ENTRY }), advice);
        refused(await flatten(at.host, 'private/box:1', {}, '--creds', CREDS), advice);
        expect(other.seen.map(({ authorization }) => authorization)).not.toContain(BASIC);
        expect(tokens.asked.map(({ authorization }) => authorization)).not.toContain(BASIC);
      }
    });

    it('leads on to a third, and each sees its own alone', async () => {
      const third = await gateway(closed.host, () => undefined);
      const second = await gateway(closed.host, ({ path, authorization }) =>
        authorization === 'Basic Mjox'
          ? { status: 307, headers: { location: `http://${third.host}${path}` } }
          : { status: 401, headers: { 'www-authenticate': 'Basic realm="2"' } },
      );
      const first = await leadingTo(second.host);
      const stored = { [first.host]: { auth: 'MTox' }, [second.host]: { auth: 'Mjox' }, [third.host]: ENTRY };
      gives(await flatten(first.host, 'private/box:1', stored));
      const all = [first, second, third].map(({ seen }) => [
        ...new Set(seen.map(({ authorization }) => authorization)),
      ]);
      expect(all).toEqual([[undefined], [undefined, 'Basic Mjox'], [undefined, BASIC]]);
    });

    it('and back again is left, and shows nothing on the way back', async () => {
      const at: Gateway = await gateway('', ({ path, authorization }) =>
        authorization === BASIC || path.startsWith('/back')
          ? { status: 307, headers: { location: `http://${other.host}${path}` } }
          : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
      );
      const other: Gateway = await gateway('', ({ path }) => ({
        status: 307,
        headers: { location: `http://${at.host}/back${path.length}` },
      }));
      refused(await flatten(at.host, 'private/box:1', { [at.host]: ENTRY }), /REGISTRY_FAILED.*more than 10 redirects/);
      const back = at.seen.filter(({ path }) => path.startsWith('/back'));
      expect(back.length).toBeGreaterThan(0);
      for (const { authorization } of [...back, ...other.seen]) expect(authorization).toBeUndefined();
    });

    it('is left when neither ever has enough', async () => {
      let count = 0;
      const realm = await gateway('', () => ({ status: 200, body: JSON.stringify({ token: `t${count++}` }) }));
      const challenge = () => `Bearer realm="http://${realm.host}/",scope="s${count}"`;
      const other = await gateway('', () => ({ status: 401, headers: { 'www-authenticate': challenge() } }));
      const at = await leadingTo(other.host);
      refused(await flatten(at.host, 'private/box:1'), /REGISTRY_DENIED.*HTTP 401/);
      expect(at.seen.length).toBeLessThan(12);
    });
  });

  it('is told in the words of the server for tokens, which may have no time yet', async () => {
    let count = 0;
    const busy = await gateway('', () =>
      count++ === 0
        ? { status: 429, headers: { 'retry-after': '1' }, body: '{"errors":[{"code":"TOOMANYREQUESTS"}]}' }
        : { status: 403, body: `{"message":"no seat for ${USER.password}"}` },
    );
    const headers = { 'www-authenticate': `Bearer realm="http://${busy.host}/token"` };
    const at = await gateway('', () => ({ status: 401, headers }));
    const ended = await flatten(at.host, 'private/box:1', { [at.host]: ENTRY });
    refused(
      ended,
      /DENIED: .* does not accept the credentials \(HTTP 403, no seat for \*\*\*\): .* wants other credentials; store them with `dimgx login 127/,
    );
    expect(count).toBe(2);
  });

  it('tells why a credential helper failed at -v alone', async () => {
    const home = await newUser({ '.docker/config.json': '{"credsStore":"broken"}' });
    await mkdir(`${home}/bin`);
    await writeFile(`${home}/bin/docker-credential-broken`, '#!/bin/sh\necho "error: no keychain"; exit 1\n');
    await chmod(`${home}/bin/docker-credential-broken`, 0o755);
    vi.stubEnv('PATH', `${home}/bin:${process.env.PATH}`);
    for (const words of [['-q'], ['pull'], ['tags']]) {
      const run = (...args: string[]) => runDimgx(...words, ...args, `docker://${closed.host}/private/box:1`);
      refused(await run(), /ended with 1\n/);
      expect((await run()).stderr).not.toContain('no keychain');
      expect((await run('-v')).stderr).toContain('docker-credential-broken reported: error: no keychain\n');
    }
  });

  it('is had with a file of credentials that is named, by every command', async () => {
    const home = await newUser({ 'own.json': dockerConfig(closed.host, ENTRY) });
    const image = `${closed.host}/private/box:1`;
    for (const [words, operand] of [
      [['-q'], `docker://${image}`],
      [['-t', '/dev/null'], `docker://${image}`],
      [['pull'], image],
      [['tags'], image],
      [['catalog'], closed.host],
      [['search'], `${closed.host}/box`],
    ] as const) {
      gives(await runDimgx(...words, `--authfile=${home}/own.json`, operand));
      refused(await runDimgx(...words, '--authfile=/dev/null', operand), /HTTP 401/);
    }
    refused(
      await runDimgx('-q', '--no-cache', `--authfile=${home}/none`, `docker://${image}`),
      /DIMGX_CREDENTIALS_UNREADABLE/,
    );
  });
});
