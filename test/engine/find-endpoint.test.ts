import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readTlsFiles } from '#dimgx/engine/endpoint.js';
import { findEndpoint } from '#dimgx/engine/find-endpoint.js';
import { makeCertificates } from '../helpers/certificates.js';
import { lacks } from '../helpers/engines.js';
import { listenOnSocket } from '../helpers/listen-on-socket.js';
import { temporaryFolder } from '../helpers/members.js';
import { publicCopy } from '../helpers/public-copy.js';
import { runCommand } from '../helpers/run-command.js';

/** A user's environment; `DOCKER_CONFIG` is a folder of the test's own. */
let env: Record<string, string>;
let config: string;

beforeEach(async () => {
  config = await temporaryFolder();
  env = { PATH: process.env.PATH ?? '', HOME: '/home/me', DOCKER_CONFIG: config };
});

async function locations(host?: string): Promise<string[]> {
  return (await findEndpoint(host, env)).map(({ location }) => location);
}

const FILES = { 'ca.pem': 'the CA', 'cert.pem': 'the certificate', 'key.pem': 'the key' };

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

async function dockerContext(...args: string[]): Promise<void> {
  await runCommand('docker', ['context', ...args], { env: { ...env, DOCKER_HOST: '' } });
}

describe('the engine', () => {
  it('is at the first of the usual sockets that answers, when nothing is said', async () => {
    env.XDG_RUNTIME_DIR = '/run/user/7';
    env.CONTAINER_HOST = 'ssh://me@podman/run/podman.sock';
    expect(await locations()).toEqual([
      'unix:///var/run/docker.sock',
      'unix:///run/user/7/docker.sock',
      'unix:///home/me/.docker/run/docker.sock',
      'unix:///home/me/.docker/desktop/docker.sock',
      'ssh://me@podman/run/podman.sock',
      'unix:///run/user/7/podman/podman.sock',
      'unix:///run/podman/podman.sock',
    ]);
  });

  it('is at the socket of a virtual machine, after the usual ones', async () => {
    env.HOME = config;
    env.LIMA_HOME = join(config, 'lima');
    const usual = await locations();
    const sockets = [
      '.colima/default/docker.sock',
      '.orbstack/run/docker.sock',
      '.rd/docker.sock',
      'lima/docker/sock/docker.sock',
      '.lima/docker/sock/docker.sock',
      '.local/share/containers/podman/machine/podman.sock',
    ].map((name) => join(config, name));
    await mkdir(join(config, '.colima/docker.sock'), { recursive: true });
    for (const path of sockets) {
      await mkdir(dirname(path), { recursive: true });
      await listenOnSocket(createServer(), path);
    }
    expect(await locations()).toEqual([...usual, ...sockets.map((path) => `unix://${path}`)]);
  });

  it('is at another of the usual places when CONTAINER_HOST is no address, which is told of that', async () => {
    env.CONTAINER_HOST = 'fd://\u001b';
    expect(await locations()).toContain('unix:///run/podman/podman.sock');
    const reason = '"fd://\\x1b" is not the address of an engine: only unix://, tcp:// and ssh:// are supported';
    expect(await findEndpoint(undefined, env)).toContainEqual({ location: 'CONTAINER_HOST', reason });
  });

  it('is where DOCKER_HOST says, whatever the context', async () => {
    Object.assign(env, { DOCKER_HOST: ' tcp://there:1 ', DOCKER_CONTEXT: 'none', CONTAINER_HOST: 'unix:///podman' });
    expect(await locations()).toEqual(['tcp://there:1']);
  });

  it('is where the caller says, whatever DOCKER_HOST', async () => {
    Object.assign(env, { DOCKER_HOST: 'tcp://there:1', DOCKER_CONTEXT: 'none' });
    expect(await locations('unix:///here')).toEqual(['unix:///here']);
  });

  it('is on port 2376 of this machine when only TLS is asked for, as with docker', async () => {
    await writeFiles(config, FILES);
    env.DOCKER_TLS_VERIFY = '1';
    expect(await locations()).toEqual(['tcp://localhost:2376']);
  });

  it('is spoken to by TLS with the files of DOCKER_CERT_PATH, else of the configuration', async () => {
    env.DOCKER_HOST = 'tcp://there:2376';
    env.DOCKER_TLS_VERIFY = '1';
    env.DOCKER_CERT_PATH = join(config, 'certs');
    await writeFiles(env.DOCKER_CERT_PATH, FILES);
    const tls = {
      ca: Buffer.from('the CA'),
      cert: Buffer.from('the certificate'),
      key: Buffer.from('the key'),
      verify: true,
    };
    expect(await findEndpoint(undefined, env)).toMatchObject([{ endpoint: { tls } }]);
    delete env.DOCKER_CERT_PATH;
    await writeFiles(config, { 'ca.pem': 'another' });
    const ca = Buffer.from('another');
    expect(await findEndpoint(undefined, env)).toMatchObject([{ endpoint: { tls: { ca, cert: undefined } } }]);
  });

  it('is not checked with DOCKER_TLS, and needs no files then', async () => {
    Object.assign(env, { DOCKER_HOST: 'tcp://there:1', DOCKER_TLS: '1' });
    expect(await findEndpoint(undefined, env)).toMatchObject([{ endpoint: { tls: { ca: undefined, verify: false } } }]);
  });

  it('is refused when it is to be checked and there is nothing to check it with', async () => {
    Object.assign(env, { DOCKER_HOST: 'tcp://there:1', DOCKER_TLS_VERIFY: '1' });
    await expect(locations()).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_TLS',
      message: expect.stringContaining(`${config}/ca.pem`),
    });
    env.DOCKER_HOST = 'unix:///here';
    expect(await locations()).toEqual(['unix:///here']);
  });

  it('is refused with a certificate that lacks its key, or the reverse, or is no file', async () => {
    Object.assign(env, { DOCKER_HOST: 'tcp://there:1', DOCKER_TLS_VERIFY: '1' });
    await writeFiles(config, { 'ca.pem': '', 'cert.pem': '' });
    await expect(locations()).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_TLS',
      message: expect.stringContaining('no key.pem'),
    });
    await rm(join(config, 'cert.pem'));
    await writeFiles(config, { 'key.pem': '' });
    await expect(locations()).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_TLS',
      message: expect.stringContaining('no cert.pem'),
    });
    await mkdir(join(config, 'cert.pem'));
    await expect(locations()).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_TLS',
      message: `${config}/cert.pem is not a regular file`,
    });
  });

  it.each(Object.keys(FILES))('is refused when %s is a FIFO, or huge: neither is read', async (name) => {
    Object.assign(env, { DOCKER_HOST: 'tcp://there:1', DOCKER_TLS_VERIFY: '1' });
    await writeFiles(config, FILES);
    const path = join(config, name);
    await truncate(path, 2 ** 40);
    const code = 'DIMGX_ENGINE_TLS';
    await expect(locations()).rejects.toMatchObject({ code, message: `${path} is larger than 4194304 bytes` });
    await rm(path);
    await runCommand('mkfifo', [path]);
    await expect(locations()).rejects.toMatchObject({ code, message: `${path} is not a regular file` });
  });
});

describe.skipIf(lacks('docker', 'openssl'))(
  'the engine of a context made by docker (skipped without docker or openssl)',
  () => {
    it('is taken for DOCKER_CONTEXT, else for the current one', async () => {
      await dockerContext('create', 'remote', '--docker', 'host=ssh://me@far:22');
      await dockerContext('create', 'other', '--docker', 'host=tcp://far:1');
      expect(await locations()).toContain('unix:///var/run/docker.sock');
      await dockerContext('use', 'remote');
      expect(await locations()).toEqual(['ssh://me@far:22 (context "remote")']);
      env.DOCKER_CONTEXT = 'other';
      expect(await locations()).toEqual(['tcp://far:1 (context "other")']);
      env.DOCKER_CONTEXT = 'default';
      expect(await locations()).toContain('unix:///var/run/docker.sock');
    });

    it('comes with its own certificates, and the environment has no say in them', async () => {
      const { client } = await makeCertificates(await temporaryFolder());
      const [ca, cert, key] = Object.keys(FILES).map((name) => join(client, name));
      await dockerContext('create', 'secure', '--docker', `host=tcp://far:1,ca=${ca},cert=${cert},key=${key}`);
      await dockerContext('create', 'lax', '--docker', 'host=tcp://far:1,skip-tls-verify=true');
      await dockerContext('create', 'plain', '--docker', 'host=tcp://far:1');
      env.DOCKER_TLS_VERIFY = '1';
      const tlsOf = async (name: string) => {
        env.DOCKER_CONTEXT = name;
        const [found] = await findEndpoint(undefined, env);
        return found && 'endpoint' in found && found.endpoint.kind === 'tcp' ? found.endpoint.tls : 'none';
      };
      expect(await tlsOf('secure')).toEqual(await readTlsFiles(client, true));
      expect(await tlsOf('lax')).toMatchObject({ ca: undefined, verify: false });
      expect(await tlsOf('plain')).toBeUndefined();
    });

    it('checks certificates unless it says that it does not', async () => {
      await dockerContext('create', 'remote', '--docker', 'host=tcp://far:1');
      env.DOCKER_CONTEXT = 'remote';
      const { stdout } = await runCommand('find', [config, '-name', 'meta.json']);
      await writeFile(stdout.toString().trim(), '{"Endpoints":{"docker":{"Host":"tcp://far:1","SkipTLSVerify":null}}}');
      expect(await findEndpoint(undefined, env)).toMatchObject([{ endpoint: { kind: 'tcp' } }]);
      expect(await findEndpoint(undefined, env)).not.toMatchObject([{ endpoint: { tls: expect.anything() } }]);
    });

    it('is refused when its description is gone, or malformed', async () => {
      await dockerContext('create', 'remote', '--docker', 'host=ssh://far');
      env.DOCKER_CONTEXT = 'remote';
      const { stdout } = await runCommand('find', [config, '-name', 'meta.json']);
      const meta = stdout.toString().trim();
      for (const text of [
        '',
        '[]',
        '{"Endpoints":{}}',
        '{"Endpoints":{"docker":{"Host":""}}}',
        '{"Endpoints":{"docker":{"Host":"x://"}}}',
      ]) {
        await writeFile(meta, text);
        await expect(locations(), text).rejects.toMatchObject({ code: 'DIMGX_ENGINE_CONFIG' });
      }
      await rm(meta);
      await expect(locations()).rejects.toMatchObject({
        code: 'DIMGX_ENGINE_CONFIG',
        message: expect.stringContaining(`${meta} does not exist`),
      });
    });
  },
);

describe('the configuration of docker', () => {
  it('may name a context that there is not, which is an error', async () => {
    await writeFiles(config, { 'config.json': '{"currentContext":"gone"}' });
    await expect(locations()).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_CONFIG',
      message: expect.stringMatching(/^the context "gone" cannot be used: [^:]* does not exist: /),
    });
    await writeFiles(config, { 'config.json': '{"CURRENTCONTEXT":"lost"}' });
    await expect(locations()).rejects.toMatchObject({ message: expect.stringMatching(/^the context "lost"/) });
    env.DOCKER_CONTEXT = '../../x\n';
    await expect(locations()).rejects.toMatchObject({ message: expect.stringContaining('"../../x\\n"') });
  });

  it('tells nothing of what is in it but that it is malformed: credentials stand there', async () => {
    await writeFiles(config, { 'config.json': '{"auths":{"h":{"auth":c2VjcmV0}}}' });
    const failure: Error = await locations().then(
      () => expect.unreachable(),
      (error) => error,
    );
    const told: string[] = [];
    for (let at: unknown = failure; at instanceof Error; at = at.cause) told.push(at.stack ?? '');
    expect(failure.message).toContain('config.json is not JSON');
    expect(told.join()).not.toContain('c2Vj');
  });

  it('is an error when it is malformed, as another engine than the user means could be taken', async () => {
    for (const text of ['{', '[]', '{"currentContext":7}']) {
      await writeFiles(config, { 'config.json': text });
      await expect(locations(), text).rejects.toMatchObject({ code: 'DIMGX_ENGINE_CONFIG' });
    }
  });

  it('need not name a context, nor hold anything, nor be there', async () => {
    for (const text of ['{"auths":{},"currentContext":""}', '', ' \n', 'null']) {
      await writeFiles(config, { 'config.json': text });
      expect(await locations(), text).toContain('unix:///var/run/docker.sock');
    }
    env.DOCKER_CONFIG = '/nonexistent';
    expect(await locations()).toContain('unix:///var/run/docker.sock');
  });
});

describe.skipIf(lacks('root', 'setpriv'))('a user without account (needs root and setpriv, to be one)', () => {
  it.each([[[]], [['HOME=']]])(
    'finds the engine with %j, and looks for nothing in the working folder',
    async (home) => {
      const copy = await publicCopy();
      const script = `
      import { findEndpoint } from '${copy.build}/engine/find-endpoint.js';
      for (const { location } of await findEndpoint(undefined, process.env)) console.log(location);
    `;
      const node = [copy.node, '--input-type=module', '--eval', script];
      const user = ['--reuid=54321', '--regid=54321', '--clear-groups'];
      const { stdout } = await runCommand('setpriv', [...user, '--', 'env', '-i', ...home, ...node]);
      expect(stdout.toString().trim().split('\n')).toEqual([
        'unix:///var/run/docker.sock',
        'unix:///.docker/run/docker.sock',
        'unix:///.docker/desktop/docker.sock',
        'unix:///run/podman/podman.sock',
      ]);
    },
  );
});
