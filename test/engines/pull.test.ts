import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { openEngine } from '#dimgx/engine/open-engine.js';
import { type BuiltImage, layerOf } from '../helpers/built-image.js';
import { freePort } from '../helpers/daemon.js';
import { DockerClient } from '../helpers/docker-client.js';
import { startDockerEngine } from '../helpers/docker-engine.js';
import { engineProxy } from '../helpers/engine-proxy.js';
import { describeWithEngines, whyNotHere } from '../helpers/engines.js';
import { temporaryFolder, writeFolder } from '../helpers/members.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { codeOf, opened } from '../helpers/opened-engine.js';
import { startPodmanEngine } from '../helpers/podman-engine.js';
import { push, type Registry, startRegistry, USER } from '../helpers/registry.js';
import { runCommand } from '../helpers/run-command.js';
import { runDimgx, startDimgx } from '../helpers/run-dimgx.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));
const OTHER = fileURLToPath(new URL('../../fixtures/busybox-oci.tar', import.meta.url));
const CREATE = /^\/images\/create/;

const ENGINES: Record<string, (registries: readonly string[]) => Promise<{ readonly host: string; stop(): unknown }>> =
  {
    Docker: () => startDockerEngine(),
    Podman: startPodmanEngine,
  };

const absent = whyNotHere('docker-registry');

describeWithEngines(`an image in a registry${absent}`, () => {
  describe.skipIf(absent).each(Object.keys(ENGINES))('that %s pulls', (kind) => {
    let registry: Registry;
    let closed: Registry;
    let engine: { readonly host: string; stop(): unknown };
    let docker: DockerClient;
    let config: string;
    let name: string;
    let secret: string;

    beforeAll(async () => {
      registry = await startRegistry();
      closed = await startRegistry({ auth: 'htpasswd' });
      [name, secret] = [`${registry.host}/tools/box`, `${closed.host}/tools/box`];
      for (const tag of [`${name}:1`, `${name}:latest`, `${secret}:1`]) await push(`docker-archive:${FIXTURE}`, tag);
      engine = (await ENGINES[kind]?.([registry.host, closed.host])) ?? expect.unreachable();
      docker = new DockerClient(engine.host);
    });
    afterAll(async () => {
      await engine?.stop();
      await registry?.stop();
      await closed?.stop();
    });

    beforeEach(async () => {
      config = await mkdtemp(`${tmpdir()}/dimgx-config-`);
      vi.stubEnv('DOCKER_CONFIG', config);
      vi.stubEnv('REGISTRY_AUTH_FILE', `${config}/auth.json`);
    });
    afterEach(async () => {
      vi.unstubAllEnvs();
      await rm(config, { recursive: true });
      const ids = (await docker.run('images', '--all', '--quiet')).split('\n').filter((id) => id !== '');
      if (ids.length > 0) await docker.run('rmi', '--force', ...new Set(ids));
    });

    const dimgx = (...args: string[]) => runDimgx('--host', engine.host, ...args);
    /** The names that the engine has. */
    const names = async () =>
      (await docker.run('images', '--format', '{{.Repository}}:{{.Tag}}')).split('\n').filter((line) => line !== '');
    const idOf = (image: string) => docker.run('inspect', '--format', '{{.Id}}', image);
    const refused = async (code: string, saying: RegExp, ...args: string[]) => {
      const { stdout, stderr, ...ended } = await dimgx(...args);
      expect(stderr).toMatch(/^(?:dimgx: warning: [^\n]+\n)?dimgx: DIMGX_[^\p{Cc}\p{Cf}]{1,1500}\n$/u);
      expect(stderr).toContain(`dimgx: ${code}: `);
      expect(stderr).toMatch(saying);
      expect(stderr).not.toContain(USER.password);
      expect({ stdout, code: ended.code }).toEqual({ stdout: '', code: code === 'DIMGX_REFERENCE_INVALID' ? 1 : 2 });
    };
    const gives = async (...args: string[]) => {
      const { stdout, stderr, code } = await dimgx('-q', ...args);
      expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
      return stdout.trimEnd().split('\n');
    };

    it('is not asked for unless the user says so, who is told how', async () => {
      const proxy = await engineProxy(engine.host);
      for (const option of [[], ['--pull=never']]) {
        const { stderr, code } = await runDimgx('--host', proxy.host, ...option, `${name}:1`);
        expect(stderr).toMatch(/^dimgx: DIMGX_SOURCE_NO_SUCH_IMAGE: .* has no image .*; --pull=missing pulls it\n$/);
        expect(code).toBe(2);
      }
      expect(proxy.asked.filter((path) => CREATE.test(path))).toEqual([]);
    });

    it('is pulled when it is missing, and then not again', async () => {
      const proxy = await engineProxy(engine.host);
      const pulls = () => proxy.asked.filter((path) => CREATE.test(path)).length;
      const list = () => runDimgx('--host', proxy.host, '-q', '--pull', `${name}:1`);
      const first = await list();
      expect(first).toMatchObject({ code: 0, stderr: '' });
      expect(first.stdout.split('\n')).toHaveLength(8);
      expect([await names(), pulls()]).toEqual([[`${name}:1`], 1]);
      expect(await list()).toEqual(first);
      expect(pulls()).toBe(1);
    });

    it('is pulled each time when that is wanted, as its tag may have moved', async () => {
      const moving = `${registry.host}/tools/moving:1`;
      await push(`docker-archive:${FIXTURE}`, moving);
      expect(await gives('--pull=always', moving)).toHaveLength(7);
      const before = await idOf(moving);
      await push(`oci-archive:${OTHER}`, moving);
      expect(await gives('--pull=missing', moving)).toHaveLength(7);
      expect(await idOf(moving)).toBe(before);
      expect(await gives('--pull=always', moving)).toHaveLength(6);
      expect(await idOf(moving)).not.toBe(before);
    });

    it('is latest when no tag is named, and other tags are left alone', async () => {
      await gives('--pull', name);
      expect(await names()).toEqual([`${name}:latest`]);
    });

    it('may be named by its digest, with a tag or without', async () => {
      await gives('--pull', `${name}:1`);
      const format = '{{index .RepoDigests 0}}';
      const digest = (await docker.run('inspect', '--format', format, `${name}:1`)).replace(/^.*@/, '@');
      await docker.run('rmi', `${name}:1`);
      expect(await gives('--pull', `${name}${digest}`)).toHaveLength(7);
      expect(await gives('--pull', `${name}:1${digest}`)).toHaveLength(7);
      expect(await gives(`${name}${digest}`)).toHaveLength(7);
    });

    it('is flattened to what its archive gives, and listed as the engine has its history', async () => {
      const folder = await temporaryFolder();
      expect(await dimgx('--pull', '-t', `${folder}/pulled.tar`, `${name}:1`)).toMatchObject({ code: 0, stderr: '' });
      await runDimgx('-t', `${folder}/archive.tar`, FIXTURE);
      const [pulled, archive] = await Promise.all(['pulled', 'archive'].map((tar) => readFile(`${folder}/${tar}.tar`)));
      expect(pulled?.equals(archive as Buffer)).toBe(true);
      const { id, tags, layers, history } = JSON.parse((await dimgx('--json', `${name}:1`)).stdout) as {
        id: string;
        tags: string[];
        layers: { imageId: string | null }[];
        history: { createdBy: string | null }[];
      };
      expect(tags).toEqual([`${name}:1`]);
      // of the images that it was built on, nothing was pulled
      expect(layers.filter(({ imageId }) => imageId !== null && imageId !== id)).toEqual([]);
      const lines = await docker.run('history', '--no-trunc', '--format', '{{json .CreatedBy}}', `${name}:1`);
      expect(history.map(({ createdBy }) => createdBy ?? '')).toEqual(
        lines.split('\n').map((line) => JSON.parse(line)),
      );
    });

    it('is the one for the platform wanted, also when another is there', async () => {
      const multiple = `${registry.host}/tools/multiple:1`;
      const layout = new OciLayout();
      const descriptors = [];
      for (const architecture of ['amd64', 'arm64']) {
        const image: BuiltImage = { layers: [await layerOf({ [architecture]: 'x' })], config: { architecture } };
        descriptors.push({ ...layout.manifest(image, { gzip: true }), platform: { os: 'linux', architecture } });
      }
      await push(`oci:${await writeFolder(layout.top([layout.index(descriptors)]))}`, multiple);
      const flattened = async (...args: string[]) => {
        const folder = await temporaryFolder();
        expect(await dimgx(...args, '-t', `${folder}/out.tar`, multiple)).toMatchObject({ code: 0, stderr: '' });
        return (await runCommand('tar', ['-tf', `${folder}/out.tar`])).stdout.toString();
      };
      expect(await flattened('--pull', '--platform=linux/amd64')).toBe('amd64\n');
      await refused('DIMGX_SOURCE_NO_PLATFORM', /--pull=missing pulls it/, '--platform=linux/arm64', multiple);
      expect(await flattened('--pull', '--platform=linux/arm64')).toBe('arm64\n');
      expect(await flattened('--pull', '--platform=linux/arm64')).toBe('arm64\n');
    });

    it('is refused in one line when it is not there, or the registry is not', async () => {
      await refused('DIMGX_ENGINE_FAILED', /manifest unknown/, '--pull', `${name}:none`);
      const nowhere = `127.0.0.1:${await freePort()}/tools/box`;
      await refused('DIMGX_ENGINE_FAILED', /connection refused/, '--pull', nowhere);
      await refused('DIMGX_ENGINE_FAILED', /must be lowercase/, '--pull', 'Box:1');
    });

    it('cannot be named by an ID when it is to be pulled', async () => {
      await gives('--pull', `${name}:1`);
      const id = (await idOf(`${name}:1`)).replace('sha256:', '');
      for (const own of [id, `sha256:${id}`, id.slice(0, 12)]) {
        expect(await gives('--pull', own)).toHaveLength(7);
        await refused(
          'DIMGX_REFERENCE_INVALID',
          /is the ID of an image, and an image cannot be pulled by its ID/,
          '--pull=always',
          own,
        );
      }
      for (const none of ['0'.repeat(64), 'sha256:0123']) {
        await refused('DIMGX_SOURCE_NO_SUCH_IMAGE', /an image cannot be pulled by its ID/, '--pull', none);
      }
    });

    describe('with credentials', () => {
      const stored = (password: string, folder = config) =>
        writeFile(
          `${folder}/config.json`,
          JSON.stringify({
            auths: { [closed.host]: { auth: Buffer.from(`${USER.name}:${password}`).toString('base64') } },
          }),
        );

      it('is pulled with those of docker login', async () => {
        await runCommand('docker', ['login', '-u', USER.name, '--password-stdin', closed.host], {
          env: { DOCKER_HOST: inject('dockerHost') }, // Podman's service logs in by HTTPS alone
          input: Buffer.from(USER.password),
        });
        expect(await readdir(config)).toContain('config.json');
        expect(await gives('--pull', `${secret}:1`)).toHaveLength(7);
      });

      it('is pulled with those of podman login', async () => {
        const options = ['--tls-verify=false', '-u', USER.name, '--password-stdin', closed.host];
        await runCommand('podman', ['login', ...options], { input: Buffer.from(USER.password) });
        expect(await readdir(config)).toEqual(['auth.json']);
        expect(await gives('--pull', `${secret}:1`)).toHaveLength(7);
      });

      it('is pulled with those of a credential helper', async () => {
        const answer = JSON.stringify({ ServerURL: closed.host, Username: USER.name, Secret: USER.password });
        await writeFile(`${config}/docker-credential-test`, `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
        await writeFile(`${config}/config.json`, '{"credsStore":"test"}');
        vi.stubEnv('PATH', `${config}:${process.env.PATH}`);
        expect(await gives('--pull', `${secret}:1`)).toHaveLength(7);
      });

      it('is refused without any, and with wrong ones, which are not told', async () => {
        const login = new RegExp(`\`${kind.toLowerCase()} login ${closed.host}\` stores credentials\n$`);
        await refused('DIMGX_ENGINE_FAILED', login, '--pull', `${secret}:1`);
        await stored('wr0ng');
        const shown = /authentication required: the credentials from \S+\/config\.json were sent\n$/;
        await refused('DIMGX_ENGINE_FAILED', shown, '--pull', `${secret}:1`);
        const { stderr } = await dimgx('-vv', '--pull', `${secret}:1`);
        expect(stderr).toContain('    at ');
        expect(stderr).not.toMatch(/wr0ng|d3IwbmcK?|X-Registry-Auth/);
      });

      it('needs none where all may pull, and is not kept from it by a helper that is missing', async () => {
        await writeFile(`${config}/config.json`, '{"credsStore":"missing"}');
        const { stderr, stdout, code } = await dimgx('-q', '--pull', `${name}:1`);
        expect(stderr).toMatch(/^dimgx: warning: DIMGX_CREDENTIALS_SKIPPED: [^\n]* is not on the PATH\n$/);
        expect({ code, lines: stdout.split('\n').length }).toEqual({ code: 0, lines: 8 });
      });
    });

    it('is told of while it comes, when that is wanted', async () => {
      const proxy = await engineProxy(engine.host, { path: CREATE, after: 0, kind: 'stall' });
      const run = startDimgx('--host', proxy.host, '--progress=always', '--pull', `${name}:1`);
      await Promise.race([once(run.process.stderr, 'data'), run.ended]);
      run.process.kill('SIGINT');
      const { stdout, stderr } = await run.ended;
      expect(stderr).toMatch(new RegExp(`^(?:\r\x1b\\[Kpulling  ${name}:1)+\r\x1b\\[K$`));
      expect(stdout).toBe('');
    });

    it('leaves nothing when it stalls and SIGINT ends the wait', async () => {
      const silent = createServer((socket) => socket.on('error', () => undefined));
      const reached = new Promise((resolve) => silent.once('connection', resolve));
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void silent.close());
      const address = silent.address();
      const port = typeof address === 'object' ? address?.port : expect.unreachable();
      const folder = await temporaryFolder();
      const [targets, tmp] = [`${folder}/targets`, `${folder}/tmp`];
      await Promise.all([mkdir(targets), mkdir(tmp)]);
      const args = ['--host', engine.host, '--tmp-dir', tmp, '--pull', '-t', `${targets}/out.tar`];
      const run = startDimgx(...args, `127.0.0.1:${port}/tools/box`);
      await Promise.race([reached, run.ended]);
      run.process.kill('SIGINT');
      expect(await run.ended).toMatchObject({ code: null, signal: 'SIGINT', stdout: '', stderr: '' });
      const stalled = (await names()).filter((image) => image.includes(`:${port}/`));
      expect([...(await readdir(targets)), ...(await readdir(tmp)), ...stalled]).toEqual([]);
    });

    it('is an error when nothing comes for too long', async () => {
      for (const after of [0, 50]) {
        const { host } = await engineProxy(engine.host, { path: CREATE, after, kind: 'stall' });
        const timeouts = { connect: 5000, answer: 1000 };
        const pulling = await opened(await openEngine({ host, timeouts }));
        expect(await codeOf(pulling.pull(`${name}:1`))).toBe('DIMGX_ENGINE_FAILED');
      }
    });
  });
});
