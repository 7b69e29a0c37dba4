import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Certificates, makeCertificates } from '../helpers/certificates.js';
import { whyNotHere } from '../helpers/engines.js';
import { forwardProxy } from '../helpers/forward-proxy.js';
import { push, type Registry, startRegistry, USER } from '../helpers/registry.js';
import { registryProxy } from '../helpers/registry-proxy.js';
import { type Ended, runDimgx, runDimgxIn } from '../helpers/run-dimgx.js';
import { IDENTITY_TOKEN, startTokenServer, type TokenServer } from '../helpers/token-server.js';
import { dockerConfig, newUser } from '../helpers/user.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));

const absent = whyNotHere('docker-registry', 'skopeo', 'openssl');
const CREDS = `${USER.name}:${USER.password}`;
const BASIC = Buffer.from(CREDS).toString('base64');

/** Whoever reads the messages learns no secret. */
const gives = ({ stdout, stderr, code }: Ended, warned = /^$/) => {
  expect(stderr).not.toMatch(/s3cret|Basic |Bearer |eyJ/);
  expect(stderr).toMatch(warned);
  expect(code).toBe(0);
  expect(stdout.trimEnd().split('\n')).toHaveLength(7);
};
const refused = ({ stdout, stderr, code }: Ended, saying: RegExp) => {
  expect(stderr).not.toMatch(/s3cret|Basic |Bearer |eyJ/);
  expect(stderr).toMatch(/^dimgx: DIMGX_[A-Z_]+: [^\p{Cc}\p{Cf}]{1,1500}\n$/u);
  expect(stderr).toMatch(saying);
  expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
};

describe.skipIf(absent)(`credentials for a registry${absent}`, () => {
  let folder: string;
  let certificates: Certificates;

  beforeAll(async () => {
    folder = await mkdtemp(`${tmpdir()}/dimgx-certificates-`);
    certificates = await makeCertificates(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  describe('that wants a password', () => {
    let registry: Registry;
    let name: string;

    beforeAll(async () => {
      registry = await startRegistry({ auth: 'htpasswd' });
      name = `${registry.host}/tools/box:1`;
      await push(`docker-archive:${FIXTURE}`, name);
    });
    afterAll(() => registry?.stop());

    it('are those of --creds, or those that docker or podman have stored', async () => {
      const config = dockerConfig(registry.host, { auth: BASIC });
      await newUser();
      gives(await runDimgx('-q', '--creds', CREDS, `docker://${name}`));
      await newUser({ '.docker/config.json': config });
      gives(await runDimgx('-q', `docker://${name}`));
      await newUser({ 'auth.json': config });
      gives(await runDimgx('-q', `docker://${name}`));
    });

    it('are not those of another registry', async () => {
      await newUser({ '.docker/config.json': dockerConfig('127.0.0.1:1', { auth: BASIC }) });
      const proxy = await registryProxy(registry.host);
      refused(await runDimgx('-q', `docker://${proxy.host}/tools/box:1`), /REGISTRY_DENIED.*HTTP 401, UNAUTHORIZED/);
      expect(proxy.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    });

    it('that are wrong are shown once, and are an error that does not tell them', async () => {
      await newUser();
      const proxy = await registryProxy(registry.host);
      const wrong = ['--creds', 's3cret-user:s3cret-word'];
      refused(await runDimgx('-q', ...wrong, `docker://${proxy.host}/tools/box:1`), /DIMGX_REGISTRY_DENIED.*401/);
      expect(proxy.seen.map(({ headers }) => headers.authorization !== undefined)).toEqual([false, true]);
    });

    it('are asked for again by no request after the first', async () => {
      await newUser();
      const proxy = await registryProxy(registry.host);
      const target = `${await newUser()}/out.tar`;
      const ended = await runDimgx('--creds', CREDS, '-t', target, `docker://${proxy.host}/tools/box:1`);
      expect(ended).toMatchObject({ stderr: '', code: 0 });
      expect(proxy.seen.filter(({ status }) => status === 401)).toHaveLength(1);
    });

    it('are never in an error, though the registry tells them to everybody', async () => {
      await newUser();
      const body = JSON.stringify({
        errors: [{ code: 'DENIED', message: `go away ${CREDS} ${BASIC} ${USER.password}` }],
      });
      const proxy = await registryProxy(
        registry.host,
        { path: /manifests/ },
        { path: /manifests/, answer: { status: 403, body } },
      );
      refused(await runDimgx('--creds', CREDS, `docker://${proxy.host}/tools/box:1`), /DENIED: go away .*\*\*\*/);
    });
  });

  describe('by TLS', () => {
    let registry: Registry;
    let name: string;

    beforeAll(async () => {
      registry = await startRegistry({ auth: 'htpasswd', tls: certificates.server });
      name = `${registry.host}/tools/box:1`;
      await push(`docker-archive:${FIXTURE}`, name);
    });
    afterAll(() => registry?.stop());

    it('are shown to one that is vouched for, by --ca-file or certs.d', async () => {
      await newUser();
      const args = ['-q', '--creds', CREDS];
      refused(
        await runDimgx(...args, `docker://${name}`),
        /DIMGX_REGISTRY_TLS.*; name its certificate authority with --ca-file/,
      );
      gives(await runDimgx(...args, '--ca-file', `${certificates.server}/ca.pem`, `docker://${name}`));
      gives(await runDimgx(...args, '--insecure', `docker://${name}`));
      const ca = await readFile(`${certificates.server}/ca.pem`, 'utf8');
      await newUser({ [`.config/containers/certs.d/${registry.host}/ca.crt`]: ca });
      gives(await runDimgx(...args, `docker://${name}`));
      await newUser({ '.config/containers/certs.d/127.0.0.1:1/ca.crt': ca });
      refused(await runDimgx(...args, `docker://${name}`), /DIMGX_REGISTRY_TLS/);
      refused(await runDimgx(...args, '--ca-file', '/no/such', `docker://${name}`), /REGISTRY_TLS.*\/no\/such/);
    });

    it('are shown through a tunnel that the proxy of the environment makes', async () => {
      await newUser();
      const proxy = await forwardProxy();
      vi.stubEnv('HTTPS_PROXY', proxy.url);
      const [, port] = registry.host.split(':');
      gives(await runDimgx('-q', '--insecure', '--creds', CREDS, `docker://registry.test:${port}/tools/box:1`));
      expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT registry.test:${port}`]));
    });

    it('are not shown by the name of another host', async () => {
      await newUser();
      const other = name.replace('127.0.0.1', 'localhost');
      const args = ['-q', '--creds', CREDS, '--ca-file', `${certificates.server}/ca.pem`];
      refused(await runDimgx(...args, `docker://${other}`), /DIMGX_REGISTRY_TLS.*altnames/);
    });
  });

  describe('that wants tokens', () => {
    let tokens: TokenServer;
    let registry: Registry;

    beforeAll(async () => {
      tokens = await startTokenServer(certificates.server);
      registry = await startRegistry({ auth: tokens });
      for (const path of ['public/box:1', 'private/box:1'])
        await push(`docker-archive:${FIXTURE}`, `${registry.host}/${path}`);
    });
    afterAll(async () => {
      await registry?.stop();
      await tokens?.stop();
    });
    beforeEach(() => void tokens.asked.splice(0));
    afterEach(() => {
      tokens.lifetime = 300;
    });

    it('are not needed for what is public: one token for the scope does', async () => {
      const home = await newUser();
      const { code, stderr } = await runDimgx('-t', `${home}/out.tar`, `docker://${registry.host}/public/box:1`);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const parameters = { service: tokens.service, scope: 'repository:public/box:pull' };
      expect(tokens.asked).toEqual([{ method: 'GET', authorization: undefined, parameters }]);
    });

    it('are shown to the server that the registry names, for the scope that is wanted', async () => {
      await newUser();
      const name = `docker://${registry.host}/private/box:1`;
      refused(await runDimgx('-q', name), /DIMGX_REGISTRY_DENIED.*401/);
      tokens.asked.splice(0);
      gives(await runDimgx('-q', '--creds', CREDS, name));
      const parameters = { service: tokens.service, scope: 'repository:private/box:pull', account: USER.name };
      expect(tokens.asked).toEqual([{ method: 'GET', authorization: `Basic ${BASIC}`, parameters }]);
      tokens.asked.splice(0);
      refused(await runDimgx('-q', '--creds', 'me:s3cret', name), /DENIED.* does not accept the credentials/);
      expect(tokens.asked).toHaveLength(1);
    });

    it('may be an identity token, which is exchanged', async () => {
      const identity = { auth: Buffer.from(`${USER.name}:`).toString('base64'), identitytoken: IDENTITY_TOKEN };
      await newUser({ '.docker/config.json': dockerConfig(registry.host, identity) });
      gives(await runDimgx('-q', `docker://${registry.host}/private/box:1`));
      expect(tokens.asked).toMatchObject([
        {
          method: 'POST',
          authorization: undefined,
          parameters: {
            grant_type: 'refresh_token',
            refresh_token: IDENTITY_TOKEN,
            scope: 'repository:private/box:pull',
            service: tokens.service,
          },
        },
      ]);
    });

    it('are shown again when the registry finds a token too old', async () => {
      const home = await newUser();
      const proxy = await registryProxy(registry.host, {
        path: /blobs/,
        answer: {
          status: 401,
          headers: {
            'www-authenticate': `Bearer realm="${tokens.realm}",service="${tokens.service}",error="invalid_token"`,
          },
        },
      });
      const name = `docker://${proxy.host}/private/box:1`;
      const { code, stderr } = await runDimgx('--creds', CREDS, '-t', `${home}/out.tar`, name);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(tokens.asked).toHaveLength(2);
    });

    it('that a broken helper should have are passed over, and what is public is had', async () => {
      const home = await newUser({ '.docker/config.json': '{"credsStore":"broken"}' });
      await writeFile(`${home}/docker-credential-broken`, '#!/bin/sh\necho s3cret >&2\nexit 1\n', { mode: 0o755 });
      const env = { ...process.env, PATH: `${home}:${process.env.PATH}` };
      const warned =
        /^dimgx: warning: DIMGX_CREDENTIALS_SKIPPED: [^\n]*"docker-credential-broken" ended with 1[^\n]*\n$/;
      gives(await runDimgxIn({ env }, '-q', `docker://${registry.host}/public/box:1`), warned);
    });
  });

  describe('that wants tokens, and is reached by TLS', () => {
    it('are shown to no server for tokens that is not reached by TLS', async () => {
      await newUser();
      const tokens = await startTokenServer(certificates.server);
      const registry = await startRegistry({ auth: tokens, tls: certificates.server });
      try {
        const args = ['-q', '--insecure', '--creds', CREDS];
        const name = `docker://${registry.host}/private/box:1`;
        refused(await runDimgx(...args, name), /REGISTRY_TLS.* by plain HTTP, which is refused/);
        expect(tokens.asked).toEqual([]);
      } finally {
        await registry.stop();
        await tokens.stop();
      }
    });

    it('are shown to one that is', async () => {
      await newUser();
      const tokens = await startTokenServer(certificates.server, true);
      const registry = await startRegistry({ auth: tokens, tls: certificates.server });
      try {
        await push(`docker-archive:${FIXTURE}`, `${registry.host}/private/box:1`);
        tokens.asked.splice(0);
        const args = ['-q', '--ca-file', `${certificates.server}/ca.pem`, '--creds', CREDS];
        gives(await runDimgx(...args, `docker://${registry.host}/private/box:1`));
        expect(tokens.asked).toMatchObject([{ authorization: `Basic ${BASIC}` }]);
      } finally {
        await registry.stop();
        await tokens.stop();
      }
    });
  });
});
