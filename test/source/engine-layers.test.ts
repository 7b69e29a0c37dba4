import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import type { OpenOptions } from '#dimgx/options.js';
import { openImage } from '#dimgx/source/resolve.js';
import { diffIdOf, imageIdOf } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { containersStore, dockerStore, type StoredImageSpec, type WrittenStore } from '../helpers/engine-stores.js';
import { type Answer, fakeEngine } from '../helpers/fake-engine.js';
import { flattenImage } from '../helpers/flatten-image.js';
import { archiveOf } from '../helpers/members.js';
import { rawLayer } from '../helpers/raw-layer.js';

const IMAGE: StoredImageSpec = {
  tags: ['app:1'],
  layers: [
    rawLayer([
      { name: 'etc/', type: '5' },
      { name: 'etc/passwd', content: 'root:x:0:0:of the layer' },
      { name: 'tool', content: 'tool'.repeat(50_000) },
    ]),
    rawLayer([{ name: 'etc/hosts', content: 'localhost' }, { name: '.wh.tool' }]),
  ],
};
const ID = imageIdOf(IMAGE);
const REFERENCE = 'docker-daemon:app:1';

/** An engine that has the image, says that its storage is in a folder, and counts how often it saves. */
async function engineWith(folder: string) {
  const archive = await archiveOf(dockerArchive([IMAGE]));
  const engine = { host: '', saves: 0, asks: 0 };
  const save: Answer = (_, response) => {
    engine.saves++;
    response.end(archive);
  };
  const info: Answer = (_, response) => {
    engine.asks++;
    response.end(JSON.stringify({ DockerRootDir: folder }));
  };
  engine.host = await fakeEngine({
    '/images/json': [{ Id: ID, ParentId: '', RepoTags: IMAGE.tags, RepoDigests: null, Created: 1, Size: 1 }],
    [`/images/${ID}/json`]: {
      ...{ Id: ID, Parent: '', Architecture: 'amd64', Os: 'linux', Size: 1 },
      RootFS: { Layers: IMAGE.layers.map(diffIdOf) },
    },
    [`/images/${ID}/history`]: [],
    [`/images/${ID}/get`]: save,
    '/info': info,
  });
  return engine;
}

async function flattened(engine: { readonly host: string }, options: OpenOptions = {}) {
  const said: string[] = [];
  const { tar } = await flattenImage(REFERENCE, {
    host: engine.host,
    onInfo: (message) => said.push(message),
    ...options,
  });
  return { tar, said };
}

const ofArchive = async () => {
  const { tar } = await flattened(await engineWith('/nowhere'));
  return tar;
};

describe.runIf(process.platform === 'linux')('layers of an engine on this machine', () => {
  test.each([
    ['Docker', dockerStore],
    ['Podman', containersStore],
  ])("are read from %s's storage, and nothing is saved", async (_, makeStore) => {
    const { folder } = await makeStore([IMAGE]);
    const engine = await engineWith(folder);
    const { tar, said } = await flattened(engine);
    expect(tar.equals(await ofArchive())).toBe(true);
    expect(engine.saves).toBe(0);
    expect(said).toEqual([`the layers are read from ${folder}, the engine's storage`]);
  });

  test('one by one as well', async () => {
    const { folder } = await dockerStore([IMAGE]);
    const engine = await engineWith(folder);
    const flatten = async (host: string) => {
      await using image = await openImage(REFERENCE, { host });
      return await buffer(extractLayers(await inspectLayers(image, { select: image.layers.slice(1) })));
    };
    expect((await flatten(engine.host)).equals(await flatten((await engineWith('/nowhere')).host))).toBe(true);
    expect(engine.saves).toBe(0);
  });

  const swapped = (store: WrittenStore) => {
    const [one, other] = [store.layerFolder(IMAGE, 0), store.layerFolder(IMAGE, 1)];
    renameSync(one, `${one}-old`);
    renameSync(other, one);
    renameSync(`${one}-old`, other);
  };
  const changes: Record<string, readonly [change: (store: WrittenStore) => void, says: RegExp]> = {
    'another file': [
      (store) => writeFileSync(`${store.layerFolder(IMAGE, 0)}/etc/passwd`, 'root:x:0:0:of an attack'),
      /layer .*"etc\/passwd".* has other contents/,
    ],
    'a file less': [(store) => rmSync(`${store.layerFolder(IMAGE, 0)}/etc/passwd`), /"etc\/passwd".* is missing/],
    'the files of another layer': [swapped, / is missing/],
    'another record of a layer': [
      (store) => writeFileSync(store.tarSplit(IMAGE, 0), 'not gzip'),
      /layer .*\(tar-split\) is damaged/,
    ],
    'another config': [
      ({ folder }) => writeFileSync(`${folder}/image/overlay2/imagedb/content/sha256/${ID}`, '{}'),
      /config/,
    ],
    'no such image': [({ folder }) => rmSync(`${folder}/image/overlay2/imagedb/content/sha256/${ID}`), /not in/],
    nothing: [({ folder }) => rmSync(folder, { recursive: true }), /no such file/i],
  };

  test.each(Object.entries(changes))('are saved, once, if there is %s', async (_, [change, says]) => {
    const store = await dockerStore([IMAGE]);
    change(store);
    const engine = await engineWith(store.folder);
    const { tar, said } = await flattened(engine);
    expect(tar.equals(await ofArchive())).toBe(true);
    expect(engine.saves).toBe(1);
    expect(said.at(-1)).toMatch(/^the engine saves the image: /);
    expect(said.at(-1)).toMatch(says);
  });

  test('are compared with their diff IDs even if the caller wants none compared', async () => {
    const store = await dockerStore([IMAGE]);
    writeFileSync(`${store.layerFolder(IMAGE, 0)}/etc/passwd`, 'root:x:0:0:of an attack');
    const engine = await engineWith(store.folder);
    await using image = await openImage(REFERENCE, { host: engine.host });
    const layers = await inspectLayers(image, { verify: false });
    expect((await buffer(extractLayers(layers))).equals(await ofArchive())).toBe(true);
    expect(engine.saves).toBe(1);
  });

  test.skipIf(process.geteuid?.() === 0)('are saved if the storage may not be read (not as root)', async () => {
    const { folder } = await dockerStore([IMAGE]);
    chmodSync(folder, 0);
    onTestFinished(() => chmodSync(folder, 0o700));
    const engine = await engineWith(folder);
    const { said } = await flattened(engine);
    expect(said).toEqual([expect.stringContaining('may not be read by this user')]);
    expect(engine.saves).toBe(1);
  });

  test('are saved without verification, and if the environment says so', async () => {
    const { folder } = await dockerStore([IMAGE]);
    const engine = await engineWith(folder);
    await flattened(engine, { verify: false });
    expect(engine.saves).toBe(1);
    vi.stubEnv('DIMGX_ENGINE_STORAGE', '0');
    await flattened(engine);
    expect(engine).toMatchObject({ saves: 2, asks: 0 });
  });

  test('are saved if the engine listens at a port, which may be that of another machine', async () => {
    const { folder } = await dockerStore([IMAGE]);
    const engine = await engineWith(folder);
    const server = createServer((socket) => {
      const onward = connect(engine.host.replace('unix://', ''));
      for (const end of [socket, onward]) end.on('error', () => end.destroy());
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    await flattened({ host: `tcp://127.0.0.1:${(server.address() as { port: number }).port}` });
    expect(engine).toMatchObject({ saves: 1, asks: 0 });
  });

  test('of a container are exported, once, if its storage cannot be read', async () => {
    const id = 'c0'.repeat(32);
    const tar = rawLayer([
      { name: 'etc/', type: '5' },
      { name: 'etc/passwd', content: 'of the container' },
    ]);
    const container = { Id: id, Name: '/web', Image: `sha256:${ID}`, Created: '2024-01-02T03:04:05Z' };
    let exports = 0;
    const host = await fakeEngine({
      '/containers/web/json': { ...container, Config: { Image: 'app:1' }, State: { Status: 'running' } },
      [`/containers/${id}/export`]: ((_, response) => {
        exports++;
        response.end(tar);
      }) satisfies Answer,
      '/info': { DockerRootDir: '/nowhere' },
    });
    const warnings: string[] = [];
    const onWarning = ({ code }: { readonly code: string }) => void warnings.push(code);
    await using image = await openImage('docker-daemon:container/web', { host, onWarning });
    expect(image).toMatchObject({ id: ID, container: { id, names: ['web'], image: 'app:1', status: 'running' } });
    expect(image.history.map(({ history }) => history.createdBy)).toEqual(['export of the container web']);
    expect([exports, warnings]).toEqual([0, []]);
    const [layer, ...others] = await inspectLayers(image);
    expect([layer?.entries.length, others.length]).toEqual([2, 0]);
    await inspectLayers(image);
    expect([exports, warnings]).toEqual([1, ['DIMGX_CONTAINER_EXPORTED']]);
  });

  test('of a container that the engine does not have are missed as those of a container', async () => {
    const host = await fakeEngine({});
    const missed = await openImage('docker-daemon:container/nope', { host }).catch((failure: unknown) => failure);
    expect(missed).toMatchObject({
      code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
      message: expect.stringMatching(/ has no container "nope"$/),
    });
    expect(missed).not.toHaveProperty('options');
  });

  test('that disappear when the output has begun are an error', async () => {
    const store = await dockerStore([IMAGE]);
    const engine = await engineWith(store.folder);
    await using image = await openImage(REFERENCE, { host: engine.host });
    const layers = await inspectLayers(image);
    rmSync(store.layerFolder(IMAGE, 0), { recursive: true });
    await expect(buffer(extractLayers(layers))).rejects.toMatchObject({
      code: expect.stringMatching(/^DIMGX_STORE_/),
    });
    expect(engine.saves).toBe(0);
  });
});
