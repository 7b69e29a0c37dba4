import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BuiltImage, layerOf } from '../helpers/built-image.js';
import { whyNotHere } from '../helpers/engines.js';
import { forwardProxy } from '../helpers/forward-proxy.js';
import { temporaryFolder } from '../helpers/members.js';
import { type Descriptor, OciLayout } from '../helpers/oci-layout.js';
import { pushLayout } from '../helpers/push-layout.js';
import { push, type Registry, startRegistry } from '../helpers/registry.js';
import { registryProxy } from '../helpers/registry-proxy.js';
import { runCommand } from '../helpers/run-command.js';
import { runDimgx, startDimgx } from '../helpers/run-dimgx.js';
import { newUser } from '../helpers/user.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));
const OTHER = fileURLToPath(new URL('../../fixtures/busybox-oci.tar', import.meta.url));

const absent = whyNotHere('docker-registry', 'skopeo');

describe.skipIf(absent)(`an image straight from a registry${absent}`, () => {
  let registry: Registry;
  let name: string;

  beforeAll(async () => {
    registry = await startRegistry();
    name = `${registry.host}/tools/box`;
    await push(`docker-archive:${FIXTURE}`, `${name}:docker`, '--format', 'v2s2');
    await push(`docker-archive:${FIXTURE}`, `${name}:oci`, '--format', 'oci');
    await push(`docker-archive:${FIXTURE}`, `${name}:latest`);
    await push(`oci-archive:${OTHER}`, `${name}:other`);
  });
  afterAll(() => registry?.stop());

  /** Flattens it. @returns the tar */
  const flat = async (...args: string[]) => {
    const target = `${await temporaryFolder()}/out.tar`;
    expect(await runDimgx('-t', target, ...args)).toMatchObject({ stderr: '', stdout: '', code: 0 });
    return readFile(target);
  };
  const refused = async (code: string, saying: RegExp, ...args: string[]) => {
    const { stdout, stderr, ...ended } = await runDimgx(...args);
    expect(stderr).toMatch(/^dimgx: DIMGX_[A-Z_]+: [^\p{Cc}\p{Cf}]{1,1500}\n$/u);
    expect(stderr).toContain(`dimgx: ${code}: `);
    expect(stderr).toMatch(saying);
    expect({ stdout, code: ended.code }).toEqual({ stdout: '', code: code === 'DIMGX_REFERENCE_INVALID' ? 1 : 2 });
  };

  it.each(['docker', 'oci'])('gives the bytes that its archive gives: pushed in the %s format', async (tag) => {
    await newUser();
    expect((await flat(`docker://${name}:${tag}`)).equals(await flat(FIXTURE))).toBe(true);
  });

  it('gives the bytes that its archive gives: pushed with zstd layers', async () => {
    await newUser();
    // straight into the registry, skopeo would take layers that it knows to be there, compressed in another way
    const layout = `oci:${await temporaryFolder()}/layout:1`;
    const compress = ['--dest-compress', '--dest-compress-format', 'zstd'];
    await runCommand('skopeo', ['--insecure-policy', 'copy', ...compress, `docker-archive:${FIXTURE}`, layout]);
    await push(layout, `${name}:zstd`, '--preserve-digests');
    const { layers } = JSON.parse((await runDimgx('--json', `docker://${name}:zstd`)).stdout);
    expect(layers.map(({ mediaType }: { mediaType: string }) => mediaType)).toEqual(
      Array(7).fill('application/vnd.oci.image.layer.v1.tar+zstd'),
    );
    expect((await flat(`docker://${name}:zstd`)).equals(await flat(FIXTURE))).toBe(true);
  });

  it('is listed without a layer of it being downloaded, and tells where it is from', async () => {
    await newUser();
    const proxy = await registryProxy(registry.host);
    const { stdout, stderr, code } = await runDimgx('--json', `docker://${proxy.host}/tools/box`);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({
      reference: `docker://${proxy.host}/tools/box`,
      source: { transport: 'docker', location: `http://${proxy.host}` },
      tags: [`${proxy.host}/tools/box:latest`],
    });
    expect(told.layers).toHaveLength(7);
    expect(told.layers.every(({ storedSize }: { storedSize: number }) => storedSize > 0)).toBe(true);
    expect(proxy.on(/manifests\/latest$/)).toHaveLength(1);
    expect(proxy.on(/blobs/)).toHaveLength(1);
    const listed = async (reference: string) => (await runDimgx('-q', reference)).stdout;
    expect(await listed(`docker://${name}:other`)).toBe(await listed(OTHER));
  });

  it('is had by its digest, and the tag beside it counts for nothing', async () => {
    await newUser();
    const { manifestDigest } = JSON.parse((await runDimgx('--json', `docker://${name}:other`)).stdout);
    const told = JSON.parse((await runDimgx('--json', `docker://${name}:docker@${manifestDigest}`)).stdout);
    expect(told).toMatchObject({ manifestDigest, tags: [] });
    expect((await flat(`docker://${name}@${manifestDigest}`)).equals(await flat(OTHER))).toBe(true);
  });

  it('downloads only the layers that are selected, each digest once', async () => {
    await newUser();
    const proxy = await registryProxy(registry.host);
    await flat('-l', '@1', `docker://${proxy.host}/tools/box`);
    const { layers } = JSON.parse((await runDimgx('--json', `docker://${name}`)).stdout);
    const [base] = layers.filter(({ position }: { position: number }) => position === 1);
    expect(proxy.on(/blobs/).map(({ path }) => path)).toContain(`/v2/tools/box/blobs/${base.digest}`);
    expect(proxy.on(/blobs/)).toHaveLength(2);
  });

  it('that is not there is an error that names it', async () => {
    await newUser();
    await refused('DIMGX_SOURCE_NO_SUCH_IMAGE', /tools\/box:9.*manifest unknown/, `docker://${name}:9`);
    await refused('DIMGX_SOURCE_NO_SUCH_IMAGE', /no\/such:latest/, `docker://${registry.host}/no/such`);
    await refused('DIMGX_REGISTRY_UNREACHABLE', /connection refused/, 'docker://127.0.0.1:1/a');
    await refused('DIMGX_REFERENCE_INVALID', /does not name an image in a registry/, 'docker://Alpine');
  });

  describe('with --offline', () => {
    it('is had from the cache alone, by the tag it had and by its digest', async () => {
      await newUser();
      const proxy = await registryProxy(registry.host);
      const name = `docker://${proxy.host}/tools/box:docker`;
      const bytes = await flat(name);
      const { manifestDigest } = JSON.parse((await runDimgx('--json', name)).stdout);
      proxy.seen.splice(0);
      expect((await flat('--offline', name)).equals(bytes)).toBe(true);
      const byDigest = `docker://${proxy.host}/tools/box@${manifestDigest}`;
      expect((await flat('--offline', byDigest)).equals(bytes)).toBe(true);
      const { source } = JSON.parse((await runDimgx('--offline', '--json', name)).stdout);
      expect(source).toEqual({ transport: 'docker', location: 'the cache' });
      expect(proxy.seen).toEqual([]);
    });

    it('is an error where the cache lacks it, or a layer of it', async () => {
      await newUser();
      const unknown = /NO_SUCH_IMAGE.*the cache does not have .*box:docker", and in offline mode no registry is asked/;
      await refused('DIMGX_SOURCE_NO_SUCH_IMAGE', unknown, '--offline', `docker://${name}:docker`);
      const listed = await runDimgx('-q', `docker://${name}:docker`);
      expect(await runDimgx('-q', '--offline', `docker://${name}:docker`)).toEqual(listed);
      const target = `${await temporaryFolder()}/out.tar`;
      const args = ['--offline', '-t', target, `docker://${name}:docker`];
      await refused('DIMGX_SOURCE_MISSING_BLOB', /the cache does not have layer /, ...args);
      await refused('DIMGX_SOURCE_NO_SUCH_IMAGE', unknown, '--no-cache', ...args);
    });
  });

  it('is asked of the registry by its tag each time, as that may move, and never by its digest', async () => {
    await newUser();
    const proxy = await registryProxy(registry.host);
    const moving = `${proxy.host}/tools/moving`;
    await push(`docker-archive:${FIXTURE}`, `${registry.host}/tools/moving:1`);
    const first = JSON.parse((await runDimgx('--json', `docker://${moving}:1`)).stdout);
    await push(`oci-archive:${OTHER}`, `${registry.host}/tools/moving:1`);
    const second = JSON.parse((await runDimgx('--json', `docker://${moving}:1`)).stdout);
    expect(second.manifestDigest).not.toBe(first.manifestDigest);
    proxy.seen.splice(0);
    expect(JSON.parse((await runDimgx('--json', `docker://${moving}@${first.manifestDigest}`)).stdout).id).toBe(
      first.id,
    );
    expect(proxy.seen).toEqual([]);
  });

  it('is asked for through the proxy of the environment', async () => {
    await newUser();
    const proxy = await forwardProxy();
    const [, port] = registry.host.split(':');
    const far = `registry.test:${port}`;
    vi.stubEnv('HTTP_PROXY', proxy.url);
    const list = () => runDimgx('-q', '--insecure', `docker://${far}/tools/box:docker`);
    // what is no TLS is found out by the proxy for HTTP, too
    const { stdout, code } = await list();
    expect([stdout.split('\n').length, code]).toEqual([8, 0]);
    expect(proxy.asked).toContain(`GET http://${far}/v2/tools/box/manifests/docker`);
    proxy.asked.splice(0);
    vi.stubEnv('NO_PROXY', '.test');
    expect((await list()).stderr).toMatch(/DIMGX_REGISTRY_UNREACHABLE/);
    expect(proxy.asked).toEqual([]);
  });

  it('leaves nothing but its part in the cache when SIGINT ends a download that stalls', async () => {
    const home = await newUser();
    const proxy = await registryProxy(registry.host, { path: /blobs/, kind: 'stall', after: 100, times: 99 });
    const [tmp, target] = [`${home}/tmp`, `${home}/out.tar`];
    await mkdir(tmp);
    const run = startDimgx('--tmp-dir', tmp, '-t', target, `docker://${proxy.host}/tools/box:docker`);
    while (proxy.on(/blobs/).every(({ sent }) => sent < 100)) await new Promise((resolve) => setTimeout(resolve, 10));
    run.process.kill('SIGINT');
    expect(await run.ended).toMatchObject({ code: null, signal: 'SIGINT', stdout: '', stderr: '' });
    expect([await readdir(tmp), existsSync(target)]).toEqual([[], false]);
  });

  describe('without an engine', () => {
    it('is what a bare name means with --pull, and never without', async () => {
      await newUser();
      const proxy = await registryProxy(registry.host);
      const bare = `${proxy.host}/tools/box:docker`;
      await refused('DIMGX_ENGINE_UNREACHABLE', /no container engine answers/, bare);
      await refused('DIMGX_ENGINE_UNREACHABLE', /no container engine answers/, '--pull=never', bare);
      await refused('DIMGX_ENGINE_UNREACHABLE', /no container engine/, '--pull', '--host', 'unix:///no/engine', bare);
      await refused('DIMGX_ENGINE_UNREACHABLE', /no container engine answers/, '--pull', `docker-daemon:${bare}`);
      expect(proxy.seen).toEqual([]);
      const told = await runDimgx('-q', '-v', '--pull', bare);
      expect(told.stderr).toBe(`dimgx: info: the image comes from the registry http://${proxy.host}\n`);
      for (const option of ['--pull', '--pull=missing', '--pull=always']) {
        expect(JSON.parse((await runDimgx('--json', option, bare)).stdout).source).toEqual({
          transport: 'docker',
          location: `http://${proxy.host}`,
        });
      }
    });
  });

  describe('of several platforms', () => {
    const platforms = [
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64', variant: 'v8' },
    ];

    beforeAll(async () => {
      const layout = new OciLayout();
      const descriptors: Descriptor[] = [];
      for (const platform of platforms) {
        const image: BuiltImage = { layers: [await layerOf({ machine: platform.architecture })], config: platform };
        descriptors.push({ ...layout.manifest(image, { gzip: true }), platform });
      }
      const [first] = descriptors;
      const inner = layout.index(descriptors.slice(1));
      const index = layout.index([...descriptors.slice(0, 1), inner, layout.attestation(first as Descriptor)]);
      await pushLayout(layout, index, { host: registry.host, path: 'tools/box', tag: 'many' });
    });

    it('is the one that is asked for, in an index inside an index as well; attestations are none', async () => {
      await newUser();
      for (const [platform, machine] of [['linux/amd64', 'amd64'] as const, ['linux/aarch64', 'arm64'] as const]) {
        expect((await flat('--platform', platform, `docker://${name}:many`)).toString('latin1')).toContain(machine);
      }
    });

    it('is the only one, though it is for another machine, and that is said', async () => {
      await newUser();
      const layout = new OciLayout();
      const image: BuiltImage = { layers: [await layerOf({ machine: 'vax' })], config: { architecture: 'vax' } };
      const manifest = { ...layout.manifest(image), platform: { os: 'linux', architecture: 'VAX' } };
      await pushLayout(layout, layout.index([manifest]), { host: registry.host, path: 'tools/box', tag: 'vax' });
      const { stderr, code } = await runDimgx('-q', `docker://${name}:vax`);
      expect({ stderr, code }).toEqual({
        stderr: expect.stringMatching(/^dimgx: warning: DIMGX_SOURCE_OTHER_PLATFORM: [^\n]* linux\/vax[^\n]*\n$/),
        code: 0,
      });
    });

    it('are listed, with their index and what is filed beside them', async () => {
      await newUser();
      const { stdout, stderr } = await runDimgx('images', '--json', `docker://${name}:many`);
      expect(stderr).toBe('');
      const { images } = JSON.parse(stdout) as { images: readonly Record<string, unknown>[] };
      expect(images.map(({ kind, names, whole }) => ({ kind, names, whole }))).toEqual(
        ['index', 'image', 'image', 'attestation'].map((kind) => ({ kind, names: [`${name}:many`], whole: null })),
      );
      expect(images.slice(1, 3).map(({ platform }) => platform)).toEqual(
        platforms.map((platform) => ({ variant: null, ...platform })),
      );
    });

    it('is refused for another, and the error tells what there is', async () => {
      await newUser();
      const only = /linux\/s390x; it has linux\/amd64, linux\/arm64\/v8; choose one with --platform\n/;
      await refused('DIMGX_SOURCE_NO_PLATFORM', only, '--platform=linux/s390x', `docker://${name}:many`);
      const other = /is for linux\/amd64, not for linux\/arm64/;
      await refused('DIMGX_SOURCE_NO_PLATFORM', other, '--platform=linux/arm64', `docker://${name}:docker`);
    });
  });
});
