import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { layerOf } from '../helpers/built-image.js';
import { type Certificates, makeCertificates } from '../helpers/certificates.js';
import { whyNotHere } from '../helpers/engines.js';
import { forwardProxy } from '../helpers/forward-proxy.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { pushLayout } from '../helpers/push-layout.js';
import { push, type Registry, startRegistry, USER } from '../helpers/registry.js';
import { listen, registryProxy } from '../helpers/registry-proxy.js';
import { runDimgx } from '../helpers/run-dimgx.js';
import { newUser } from '../helpers/user.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));

const absent = whyNotHere('docker-registry', 'skopeo', 'openssl');

/** More than a page of the registry. */
const MANY = 103;

const gives = async (...args: string[]) => {
  const { stdout, stderr, code } = await runDimgx(...args);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return stdout;
};
const lines = async (...args: string[]) => (await gives(...args)).trimEnd().split('\n');
const refused = async (code: string, ...args: string[]) => {
  const { stdout, stderr, ...ended } = await runDimgx(...args);
  expect(stderr).toMatch(/^dimgx: DIMGX_[A-Z_]+: [^\p{Cc}\p{Cf}]{1,1500}\n$/u);
  expect(stderr).toContain(`dimgx: ${code}: `);
  expect({ stdout, ok: ended.code === 0 }).toEqual({ stdout: '', ok: false });
};

describe.skipIf(absent)(`what a registry has${absent}`, () => {
  let registry: Registry;
  let closed: Registry;
  let folder: string;
  let certificates: Certificates;

  beforeAll(async () => {
    folder = await mkdtemp(`${tmpdir()}/dimgx-certificates-`);
    certificates = await makeCertificates(folder);
    registry = await startRegistry();
    closed = await startRegistry({ auth: 'htpasswd', tls: certificates.server });
    const layout = new OciLayout();
    const manifest = layout.manifest({ layers: [await layerOf({ file: 'x' })] });
    for (let i = 0; i < MANY; i++) {
      await pushLayout(layout, manifest, { host: registry.host, path: `many/box${i}`, tag: '1' });
    }
    for (const tag of ['2', 'latest']) {
      await pushLayout(layout, manifest, { host: registry.host, path: 'many/box0', tag });
    }
    for (const path of ['library/alpine', 'team/box'])
      await push(`docker-archive:${FIXTURE}`, `${closed.host}/${path}:3`);
  });
  afterAll(async () => {
    await registry?.stop();
    await closed?.stop();
    await rm(folder, { recursive: true });
  });

  describe('dimgx tags', () => {
    it('lists them', async () => {
      await newUser();
      const name = `${registry.host}/many/box0`;
      expect((await lines('tags', name)).sort()).toEqual(['1', '2', 'latest']);
      expect((await lines('tags', `docker://${name}`)).sort()).toEqual(['1', '2', 'latest']);
      const { tags, ...others } = JSON.parse(await gives('tags', '--json', name));
      expect([tags.sort(), others]).toEqual([['1', '2', 'latest'], { repository: name }]);
    });

    it('shows credentials, to the registry alone', async () => {
      await newUser();
      const ca = ['--ca-file', `${certificates.server}/ca.pem`];
      expect(await lines('tags', ...ca, '--creds', `${USER.name}:${USER.password}`, `${closed.host}/team/box`)).toEqual(
        ['3'],
      );
      await refused('DIMGX_REGISTRY_DENIED', 'tags', ...ca, `${closed.host}/team/box`);
    });

    it('fails for what is not there, or no name', async () => {
      await newUser();
      await refused('DIMGX_SOURCE_NO_SUCH_IMAGE', 'tags', `${registry.host}/no/such`);
      await refused('DIMGX_REFERENCE_INVALID', 'tags', 'No Name');
      await refused('DIMGX_USAGE', 'tags');
      await refused('DIMGX_USAGE', 'tags', 'a', 'b');
      await refused('DIMGX_USAGE', 'tags', '--creds', 's3cret', 'a');
    });

    it('shows names that would drive a terminal as what they are', async () => {
      await newUser();
      const body = JSON.stringify({ tags: ['a\u001b[31m', '\u202e1'] });
      const proxy = await registryProxy(registry.host, { path: /tags/, answer: { status: 200, body } });
      expect(await lines('tags', `${proxy.host}/a`)).toEqual(['a\\x1b[31m', '\\u{202e}1']);
    });
  });

  describe('dimgx catalog', () => {
    it('lists the repositories, of all pages', async () => {
      await newUser();
      const proxy = await registryProxy(registry.host);
      const all = Array.from({ length: MANY }, (_, i) => `many/box${i}`).sort();
      expect(await lines('catalog', proxy.host)).toEqual(all);
      expect(await lines('catalog', `docker://${proxy.host}`)).toEqual(all);
      expect(proxy.on(/_catalog/)).toHaveLength(4);
      expect(JSON.parse(await gives('catalog', '--json', registry.host))).toEqual({
        registry: registry.host,
        repositories: all,
      });
    });

    it('asks no other host that a page leads to', async () => {
      await newUser();
      const headers = { link: '<http://127.0.0.1:1/v2/_catalog?last=x>; rel="next"' };
      const proxy = await registryProxy(registry.host, {
        path: /_catalog$/,
        answer: { status: 200, headers, body: '{"repositories":["a"]}' },
      });
      expect((await lines('catalog', proxy.host))[0]).toBe('a');
      expect(proxy.seen.map(({ path }) => path).slice(0, 2)).toEqual(['/v2/_catalog', '/v2/_catalog?last=x']);
    });

    test.each([
      ['to the same page again', '/v2/_catalog?last=x', '{"repositories":["a"]}'],
      ['to empty pages, each of another address', '_catalog/', '{"repositories":null}'],
    ])('ends where a registry leads on without an end: %s', async (_, link, body) => {
      await newUser();
      const headers = { link: `<${link}>; rel=next` };
      const answer = { status: 200, headers, body };
      const proxy = await registryProxy(registry.host, { path: /_catalog/, times: 9999, answer });
      await refused('DIMGX_REGISTRY_FAILED', 'catalog', proxy.host);
    });

    test.each([
      ['that cannot be read', { link: '; rel="next"' }, 'the Link header does not name its next page'],
      ['to no address', { link: '<https://[>; rel="next"' }, 'the Link header does not name its next page'],
      ['to a page that is not there', { link: '</v2/nowhere>; rel="next"' }, 'HTTP 404'],
    ])('fails, and says that the list is incomplete, for a link %s', async (_, headers, reason) => {
      await newUser();
      const answer = { status: 200, headers, body: '{"repositories":["a"],"tags":["a"]}' };
      const proxy = await registryProxy(registry.host, { path: /_catalog$|tags\/list$/, times: 9, answer });
      for (const args of [
        ['catalog', proxy.host],
        ['search', `${proxy.host}/a`],
        ['tags', `${proxy.host}/many/box0`],
      ]) {
        const { stdout, stderr, code } = await runDimgx(...args);
        expect([stdout, code]).toEqual(['', 2]);
        expect(stderr).toMatch(/^dimgx: DIMGX_REGISTRY_FAILED: [^\p{Cc}]* is incomplete: [^\p{Cc}]*\n$/u);
        expect(stderr).toContain(reason);
      }
    });

    it('leaves out what is null in a list, and fails for what is no list', async () => {
      await newUser();
      const answer = (body: string) =>
        registryProxy(registry.host, { path: /_catalog/, answer: { status: 200, body } });
      expect(await lines('catalog', (await answer('{"repositories":[null,"a",""]}')).host)).toEqual(['a']);
      expect(await gives('catalog', (await answer('{"repositories":null}')).host)).toBe('');
      await refused('DIMGX_IMAGE_BAD_JSON', 'catalog', (await answer('{"errors":[{"code":"DENIED"}]}')).host);
    });

    test.each(['alpine', 'a.example/x', 'a b', ''])('is not of %j', async (host) => {
      await newUser();
      await refused('DIMGX_REFERENCE_INVALID', 'catalog', host);
    });
  });

  describe('dimgx search', () => {
    it("finds a registry's repositories by a part of their names", async () => {
      await newUser();
      expect((await lines('search', `${registry.host}/BOX10`)).map((line) => line.split(' ')[0])).toEqual([
        'NAME',
        ...['box10', 'box100', 'box101', 'box102'].map((name) => `${registry.host}/many/${name}`),
      ]);
      expect(JSON.parse(await gives('search', '--json', '--limit=2', `${registry.host}/`)).results).toEqual(
        ['box0', 'box1'].map((name) => ({
          name: `${registry.host}/many/${name}`,
          description: '',
          stars: null,
          isOfficial: false,
        })),
      );
      expect(await gives('search', `${registry.host}/nothing`)).toBe('');
    });

    it('asks Docker Hub, and shows it no credentials', async () => {
      const seen: unknown[] = [];
      const [cert, key] = await Promise.all(
        ['cert', 'key'].map((name) => readFile(`${certificates.server}/${name}.pem`)),
      );
      const hub = createTlsServer({ cert, key }, ({ url, headers }, response) => {
        seen.push([headers.host, url, headers.authorization]);
        const page = Number(new URL(url ?? '', 'https://x').searchParams.get('page'));
        const result = { name: `alpine${page}`, description: 'small\u001b[0m', star_count: 7, is_official: page === 1 };
        response.end(JSON.stringify({ num_pages: 2, results: [result] }));
      });
      const [, port = ''] = (await listen(hub)).split(':');
      const proxy = await forwardProxy({ 'index.docker.io:443': port });
      await newUser({ '.docker/config.json': '{"auths":{"https://index.docker.io/v1/":{"auth":"bWU6czNjcmV0"}}}' });
      vi.stubEnv('HTTPS_PROXY', proxy.url);
      const found = await lines('search', '--insecure', '--creds', 'me:s3cret', 'alpine');
      expect(found).toEqual([
        'NAME      STARS   OFFICIAL   DESCRIPTION',
        'alpine1   7       yes        small\\x1b[0m',
        'alpine2   7       -          small\\x1b[0m',
      ]);
      expect(seen).toEqual(
        [1, 2].map((page) => ['index.docker.io', `/v1/search?q=alpine&n=25&page=${page}`, undefined]),
      );
      expect(await lines('search', '--insecure', '--limit=1', 'docker.io/alpine')).toHaveLength(2);
    });
  });

  describe('dimgx pull', () => {
    it('fills the cache, from which the image is had without the registry', async () => {
      const home = await newUser();
      const args = ['--insecure', '--creds', `${USER.name}:${USER.password}`];
      expect(await gives('pull', ...args, `${closed.host}/team/box:3`)).toMatch(/^sha256:[0-9a-f]{64}\n$/);
      const name = `docker://${closed.host}/team/box:3`;
      await gives('--offline', '-t', `${home}/out.tar`, name);
      await gives('-t', `${home}/archive.tar`, FIXTURE);
      const [ours, theirs] = await Promise.all(['out', 'archive'].map((file) => readFile(`${home}/${file}.tar`)));
      expect(ours?.equals(theirs as Buffer)).toBe(true);
      const told = JSON.parse(await gives('pull', '--json', ...args, name));
      expect(told).toMatchObject({ reference: name, source: { transport: 'docker' }, platform: { os: 'linux' } });
      expect(told.layers).toHaveLength(7);
    });

    it('knows where Docker Hub is, and what its short names mean', async () => {
      const [, port = ''] = closed.host.split(':');
      const proxy = await forwardProxy({ 'registry-1.docker.io:443': port });
      const auth = Buffer.from(`${USER.name}:${USER.password}`).toString('base64');
      for (const name of ['alpine:3', 'docker.io/alpine:3', 'index.docker.io/library/alpine:3']) {
        await newUser({
          '.docker/config.json': JSON.stringify({ auths: { 'https://index.docker.io/v1/': { auth } } }),
        });
        vi.stubEnv('HTTPS_PROXY', proxy.url);
        const told = JSON.parse(await gives('pull', '--json', '--insecure', `docker://${name}`));
        expect(told).toMatchObject({
          source: { location: 'https://registry-1.docker.io' },
          tags: ['docker.io/library/alpine:3'],
        });
      }
    });

    it('takes several images, and the digests are printed in their order', async () => {
      const home = await newUser();
      const name = `${registry.host}/many/box1:1`;
      const [digest = ''] = await lines('pull', name);
      expect(await lines('pull', '-q', name, `docker://${name}`)).toEqual([digest, digest]);
      expect(await readdir(`${home}/cache/blobs/sha256`)).toContain(digest.replace('sha256:', ''));
    });

    it('takes all tags of a repository', async () => {
      await newUser();
      const told = await gives('pull', '--all-tags', '--json', `${registry.host}/many/box0`);
      const tags = told
        .trimEnd()
        .split(/(?<=^})\n/m)
        .map((document) => JSON.parse(document).reference);
      expect(tags.sort()).toEqual(['1', '2', 'latest'].map((tag) => `docker://${registry.host}/many/box0:${tag}`));
      await refused('DIMGX_USAGE', 'pull', '-a', `${registry.host}/many/box0:1`);
    });

    it('fails for what is not there', async () => {
      await newUser();
      await refused('DIMGX_SOURCE_NO_SUCH_IMAGE', 'pull', `${registry.host}/no/such`);
      await refused('DIMGX_USAGE', 'pull');
    });
  });
});
