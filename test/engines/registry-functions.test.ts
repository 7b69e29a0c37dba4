import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listCache, removeBlobs, verifyCache } from '#dimgx/cache.js';
import { flatten } from '#dimgx/flatten.js';
import { listRepositories, listTags, login, logout, pullImage, searchImages } from '#dimgx/registry.js';
import { whyNotHere } from '../helpers/engines.js';
import { push, type Registry, startRegistry, USER } from '../helpers/registry.js';
import { runCommand } from '../helpers/run-command.js';
import { newUser } from '../helpers/user.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));
const CREDENTIALS = { username: USER.name, password: USER.password };

const absent = whyNotHere('docker-registry', 'skopeo');

describe.skipIf(absent)(`the functions of dimgx/registry, with Docker's registry${absent}`, () => {
  let open: Registry;
  let closed: Registry;

  beforeAll(async () => {
    open = await startRegistry();
    closed = await startRegistry({ auth: 'htpasswd' });
    for (const { host } of [open, closed]) {
      for (const tag of ['1', '2']) await push(`docker-archive:${FIXTURE}`, `${host}/tools/box:${tag}`);
    }
  });
  afterAll(async () => {
    await open?.stop();
    await closed?.stop();
  });

  it('list its tags and repositories', async () => {
    await newUser();
    const repository = `${open.host}/tools/box`;
    const { tags, ...rest } = await listTags(repository);
    expect([[...tags].sort(), rest]).toEqual([['1', '2'], { repository }]);
    expect(await listRepositories(open.host)).toEqual({ registry: open.host, repositories: ['tools/box'] });
    expect((await searchImages(`${open.host}/bo`)).results).toMatchObject([{ name: repository }]);
    const none = { code: 'DIMGX_SOURCE_NO_SUCH_IMAGE' };
    await expect(listTags(`${open.host}/no/such`)).rejects.toMatchObject(none);
  });

  it('pull an image into the cache, which flattens once the registry is gone', async () => {
    const home = await newUser();
    const { reference, manifestDigest, layers } = await pullImage(`${open.host}/tools/box:1`);
    const { blobs } = await listCache();
    expect(blobs.map(({ digest }) => digest)).toEqual(
      expect.arrayContaining([manifestDigest, ...layers.map(({ digest }) => digest)]),
    );
    expect(await verifyCache()).toMatchObject({ whole: blobs.length, damaged: [] });
    const [pulled, original] = [join(home, 'pulled.tar'), join(home, 'original.tar')];
    await flatten(reference, pulled, { offline: true });
    await flatten(FIXTURE, original);
    await runCommand('cmp', [pulled, original]);
    expect(await removeBlobs([layers[0]?.digest ?? ''])).toMatchObject({ removed: [layers[0]?.digest] });
    const missing = { code: expect.stringMatching(/^DIMGX_SOURCE_/) };
    await expect(flatten(reference, join(home, 'x.tar'), { offline: true })).rejects.toMatchObject(missing);
  });

  it('store a login that skopeo uses, and remove it', async () => {
    await newUser();
    const name = `${closed.host}/tools/box:1`;
    const skopeo = () => runCommand('skopeo', ['inspect', '--tls-verify=false', `docker://${name}`]);
    const denied = { code: 'DIMGX_REGISTRY_DENIED' };
    await expect(login(closed.host, { ...CREDENTIALS, password: 'wrong' })).rejects.toMatchObject(denied);
    const { path } = await login(closed.host, CREDENTIALS);
    await skopeo();
    expect((await pullImage(name)).tags).toEqual([name]);
    expect(await logout(closed.host)).toEqual({ registry: closed.host, removed: [{ key: closed.host, path }] });
    await expect(skopeo()).rejects.toThrow('authentication required');
    await expect(pullImage(name)).rejects.toMatchObject(denied);
    expect((await listTags(`${closed.host}/tools/box`, { credentials: CREDENTIALS })).tags).toHaveLength(2);
  });
});
