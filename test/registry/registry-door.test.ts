import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { listCache } from '#dimgx/cache.js';
import type { Warning } from '#dimgx/errors.js';
import { listRepositories, listTags, login, logout, logoutAll, pullImage, searchImages } from '#dimgx/registry.js';
import { openImage } from '#dimgx/source/resolve.js';
import { imageIdOf, layerOf } from '../helpers/built-image.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { listen } from '../helpers/registry-proxy.js';
import { dockerConfig, newUser } from '../helpers/user.js';

const USER = { username: 'me', password: 's3cret' };
const built = { layers: [await layerOf({ file: 'x' })], config: { architecture: 'amd64' } };

/** A registry with one image, `team/box:1`. @param isAllowed decides which requests it does not deny */
async function startRegistry(isAllowed: (request: IncomingMessage) => boolean = () => true): Promise<string> {
  const layout = new OciLayout();
  const { digest: top } = layout.manifest(built);
  const server = createServer((request, response) => {
    const { url = '' } = request;
    const version = url.split('/').at(-1) ?? '';
    const bytes = layout.members[`blobs/sha256/${(version === '1' ? top : version).slice(7)}`];
    if (!isAllowed(request)) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    else if (url === '/v2/') response.end();
    else if (url === '/v2/team/box/tags/list') response.end('{"name":"team/box","tags":["1","a\\u001b"]}');
    else if (url === '/v2/_catalog') response.end('{"repositories":["team/box","team/other"]}');
    else if (bytes === undefined) response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    else response.end(bytes);
  });
  return listen(server);
}

const basic = `Basic ${Buffer.from('me:s3cret').toString('base64')}`;
const forUser = ({ headers }: IncomingMessage) => headers.authorization === basic;

describe('the lists of a registry', () => {
  test('are plain values, with the names as the registry has them', async () => {
    await newUser();
    const host = await startRegistry();
    const repository = `${host}/team/box`;
    expect(await listTags(repository)).toEqual({ repository, tags: ['1', 'a\u001b'] });
    expect(await listTags(`docker://${repository}:9`)).toEqual({
      repository: `${repository}:9`,
      tags: ['1', 'a\u001b'],
    });
    const repositories = ['team/box', 'team/other'];
    expect(await listRepositories(host)).toEqual({ registry: host, repositories });
    const found = { name: repository, description: '', stars: undefined, isOfficial: false };
    expect(await searchImages(`${host}/box`)).toEqual({ term: `${host}/box`, results: [found] });
    expect((await searchImages(`${host}/`, { limit: 1 })).results).toHaveLength(1);
  });

  test('are asked for with the credentials that the caller gives', async () => {
    await newUser();
    const host = await startRegistry(forUser);
    expect((await listRepositories(host, { credentials: USER })).repositories).toHaveLength(2);
    await expect(listRepositories(host)).rejects.toMatchObject({ code: 'DIMGX_REGISTRY_DENIED' });
  });
});

describe('pullImage', () => {
  test('brings an image into the cache, from where it is opened without the registry', async () => {
    const home = await newUser();
    const host = await startRegistry();
    const cache = join(home, 'own');
    const stages = new Set<string>();
    const onProgress = ({ stage }: { readonly stage: string }) => void stages.add(stage);
    const pulled = await pullImage(`${host}/team/box:1`, { cache, platform: 'amd64', onProgress });
    expect(pulled).toEqual({
      reference: `docker://${host}/team/box:1`,
      source: { transport: 'docker', location: expect.stringContaining(host) },
      id: imageIdOf(built),
      manifestDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      tags: [`${host}/team/box:1`],
      platform: { os: 'linux', architecture: 'amd64' },
      layers: [{ digest: expect.stringMatching(/^sha256:/), size: expect.any(Number) }],
    });
    expect([...stages]).toEqual(['pull']);
    const image = await openImage(pulled.reference, { cache, offline: true, platform: 'amd64' });
    await image.close();
    expect(image.id).toBe(pulled.id);
    const { blobs } = await listCache({ cache });
    expect(blobs.map(({ digest }) => digest)).toContain(pulled.layers[0]?.digest);
  });

  test('ends with what a callback throws, or with the signal', async () => {
    await newUser();
    const host = await startRegistry();
    const onProgress = () => {
      throw new Error('no');
    };
    const failed = { code: 'DIMGX_CALLBACK_FAILED', message: expect.stringContaining('onProgress') };
    await expect(pullImage(`${host}/team/box:1`, { platform: 'amd64', onProgress })).rejects.toMatchObject(failed);
    const reason = new Error('enough');
    const aborted = { code: 'DIMGX_ABORTED', cause: reason };
    await expect(listTags(`${host}/team/box`, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject(aborted);
  });
});

describe('a login', () => {
  test('is stored once the registry accepts it, used, and removed', async () => {
    const home = await newUser();
    const host = await startRegistry(forUser);
    const path = join(home, 'auth.json');
    const denied = { code: 'DIMGX_REGISTRY_DENIED' };
    await expect(login(host, { ...USER, password: 'other' })).rejects.toMatchObject(denied);
    expect(await logout(host)).toEqual({ registry: host, removed: [] });
    expect(await login(`docker://${host}`, USER)).toEqual({ registry: host, username: 'me', path });
    expect((await listTags(`${host}/team/box`)).tags).toHaveLength(2);
    expect(await logout(host)).toEqual({ registry: host, removed: [{ key: host, path }] });
    await expect(listTags(`${host}/team/box`)).rejects.toMatchObject(denied);
    await login(host, USER);
    expect(await logoutAll()).toEqual({ removed: [{ key: host, path }], failures: [] });
  });

  test('warns of other credentials that come before it', async () => {
    await newUser();
    const host = await startRegistry(forUser);
    const codes: string[] = [];
    const onWarning = ({ code }: Warning) => void codes.push(code);
    vi.stubEnv('DOCKER_AUTH_CONFIG', dockerConfig(host, { auth: Buffer.from('x:y').toString('base64') }));
    await login(host, USER, { onWarning });
    await logout(host, { onWarning });
    await logoutAll({ onWarning });
    expect(codes).toEqual(Array(3).fill('DIMGX_CREDENTIALS_SHADOWED'));
  });
});

describe('what the registry functions cannot take is refused before they ask anything', () => {
  const wrong = (value: unknown) => value as never;
  test.each([
    ['the repository', () => listTags(wrong(1))],
    ['the registry', () => listRepositories(wrong(undefined))],
    ['the term', () => searchImages('')],
    ['limit', () => searchImages('a', { limit: 0 })],
    ['mirrors', () => listTags('a', { mirrors: wrong('a') })],
    ['onInfo', () => listRepositories('a.b', { onInfo: wrong('a') })],
    ['the name', () => pullImage(wrong({}))],
    ['cache', () => pullImage('a', { cache: wrong(false) })],
    ['the options', () => pullImage('a', wrong(5))],
    ['the user name', () => login('a.b', { username: 'a:b', password: 'x' })],
    ['the user name', () => login('a.b', wrong(undefined))],
    ['the password', () => login('a.b', { username: 'a', password: '' })],
    ['authFile', () => logout('a.b', { authFile: wrong(1) })],
    ['signal', () => logoutAll({ signal: wrong({}) })],
  ])('%s', async (what, call) => {
    const refusal = { code: 'DIMGX_OPTION_INVALID', message: expect.stringContaining(what) };
    await expect(call()).rejects.toMatchObject(refusal);
  });

  test('without the password in the message', async () => {
    await expect(login('a.b', { username: 'a', password: 12345 as never })).rejects.toThrow(
      'the password must be a string that is not empty',
    );
  });
});
