import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listImages } from '#dimgx/source/list-images.js';
import { openImage } from '#dimgx/source/resolve.js';
import { CHANGED_LAYER, changeTree } from '../../helpers/container-changes.js';
import { addDockerContainer, addStorageContainer, type WrittenContainer } from '../../helpers/container-stores.js';
import { containersStore, dockerStore, type StoredImageSpec, type WrittenStore } from '../../helpers/engine-stores.js';
import { lacks } from '../../helpers/engines.js';
import { extractTar } from '../../helpers/extract-tar.js';
import { flattenImage } from '../../helpers/flatten-image.js';
import { DIMGX } from '../../helpers/flatten-quietly.js';
import { temporaryFolder } from '../../helpers/members.js';
import { cannotMount } from '../../helpers/mounts.js';
import { changeOverlay, listOverlay } from '../../helpers/overlay-mount.js';
import { rawLayer } from '../../helpers/raw-layer.js';
import { readTar } from '../../helpers/read-tar.js';
import { runCommand } from '../../helpers/run-command.js';
import { runDimgx } from '../../helpers/run-dimgx.js';
import { writeSqlite } from '../../helpers/sqlite-file.js';
import { listTree, type Tree } from '../../helpers/tree.js';
import { treeDifferences } from '../../helpers/tree-differences.js';

const OLDER = rawLayer([
  { name: 'lower/', type: '5', mode: 0o700, mtime: 1 },
  { name: 'lower/kept', content: 'older', mtime: 1 },
  { name: 'older', content: 'o', mtime: 1 },
]);
const IMAGE: StoredImageSpec = { tags: ['app:1'], layers: [OLDER, CHANGED_LAYER] };

/** Docker's storage, with a container whose image is unpacked as the engine does it. */
async function storeWithContainer(
  driver = 'overlay2',
  document = {},
): Promise<{ readonly store: WrittenStore; readonly web: WrittenContainer; readonly layers: readonly string[] }> {
  const store = await dockerStore([IMAGE], { driver });
  const layers = IMAGE.layers.map((layer, i) => {
    const folder = store.layerFolder(IMAGE, i);
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    execFileSync('tar', ['-xp', '-C', folder], { input: layer });
    return folder;
  });
  return { store, web: addDockerContainer(store.folder, { name: 'web', image: IMAGE, document }, driver), layers };
}

async function extracted(reference: string): Promise<Tree> {
  const folder = await temporaryFolder();
  const { tar } = await flattenImage(reference);
  writeFileSync(join(folder, 'tar'), tar);
  return (await extractTar('GNU tar', join(folder, 'tar'), folder)).tree;
}

/** A tar cannot hold the socket. */
function withoutSocket(tree: Tree): Tree {
  return new Map([...tree].filter(([, { type }]) => type !== 'socket'));
}

describe.skipIf(cannotMount() || lacks('root', 'setfattr'))("a container's tree (needs root and setfattr)", () => {
  test.each([
    ['as overlayfs keeps it', []],
    ['with metadata copied up alone, and folders renamed', ['metacopy=on', 'redirect_dir=on']],
    ['with an index of hard links', ['index=on']],
  ])('is what the kernel shows: %s', async (_, options) => {
    const { store, web, layers } = await storeWithContainer();
    writeFileSync(join(web.prepared, 'hostname'), '');
    const below = [...layers, web.prepared];
    const folder = await temporaryFolder();
    await changeOverlay({ below, changes: web.changes, folder }, options, changeTree);
    const shown = await listOverlay(
      [...below, web.changes],
      folder,
      options.includes('metacopy=on') ? ['metacopy=on'] : [],
    );
    const ours = await extracted(`docker-root:${store.folder}:container/web`);
    expect(treeDifferences(withoutSocket(shown), ours, () => false)).toEqual([]);
    expect(ours.size).toBeGreaterThan(40);
  });

  test.each(['vfs', 'btrfs'])('is one folder with %s', async (driver) => {
    const { store, web, layers } = await storeWithContainer(driver);
    execFileSync('cp', ['-aT', layers[1] as string, web.changes]);
    await changeTree(web.changes);
    const ours = await extracted(`docker-root:${store.folder}:container/web`);
    expect(treeDifferences(withoutSocket(await listTree(web.changes)), ours, () => false)).toEqual([]);
  });

  test('that a copy took the marks of is read with a warning', async () => {
    const { store, web, layers } = await storeWithContainer();
    await changeOverlay({ below: layers, changes: web.changes, folder: await temporaryFolder() }, [], changeTree);
    const codes = async () => {
      const { warnings } = await flattenImage(`docker-root:${store.folder}:container/web`);
      return warnings.map(({ code }) => code);
    };
    expect(await codes()).not.toContain('DIMGX_CONTAINER_NO_MARKS');
    execFileSync('cp', ['-rT', '--preserve=mode,ownership,timestamps,links', web.changes, `${web.changes}2`]);
    rmSync(web.changes, { recursive: true });
    renameSync(`${web.changes}2`, web.changes);
    expect(await codes()).toContain('DIMGX_CONTAINER_NO_MARKS');
  });

  test('warns of what a tar cannot hold', async () => {
    const { store, web } = await storeWithContainer();
    await changeTree(web.changes).catch(() => undefined);
    mkdirSync(join(web.changes, 'new'), { recursive: true });
    writeFileSync(join(web.changes, '.wh.name'), 'an ordinary file');
    const { warnings } = await flattenImage(`docker-root:${store.folder}:container/web`);
    expect(warnings.map(({ code, message }) => `${code} ${message}`)).toEqual([
      expect.stringMatching(/^DIMGX_ENTRY_LEFT_OUT .*whiteouts.*"\.wh\.name"$/),
    ]);
  });

  test('counts what a tar cannot hold by its reason', async () => {
    const { store, web } = await storeWithContainer();
    for (const name of ['.wh.a', '.wh.b']) writeFileSync(join(web.changes, name), 'an ordinary file');
    // The path of a socket is short.
    const path = join(await temporaryFolder(), 's');
    const server = createServer().listen(path);
    await once(server, 'listening');
    renameSync(path, join(web.changes, 's'));
    server.close();
    const { stderr } = await runDimgx('--tree-digest', `docker-root:${store.folder}:container/web`);
    const lines = stderr.split('\n').filter((line) => line.includes('DIMGX_ENTRY_LEFT_OUT'));
    expect(lines.sort()).toEqual([
      expect.stringMatching(/whiteouts in a layer: "\.wh\.a" \(2 in all\)$/),
      expect.stringMatching(/sockets are left out.*: "s"$/),
    ]);
  });
});

describe('a container', () => {
  test('is chosen by its name, its ID or the start of it', async () => {
    const { store, web } = await storeWithContainer('vfs');
    for (const name of ['web', web.id, web.id.slice(0, 12)]) {
      await using image = await openImage(`docker-root:${store.folder}:container/${name}`);
      expect(image.container).toMatchObject({
        id: web.id,
        names: ['web'],
        image: 'app:1',
        status: 'exited',
        exitCode: 137,
      });
      expect(image.layers.at(-1)).toMatchObject({ containerId: web.id });
    }
    await expect(openImage(`docker-root:${store.folder}:container/other`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
    });
  });

  test('is listed with its state, its log and its mounts', async () => {
    const { store, web } = await storeWithContainer('vfs');
    const { containers } = await listImages(store.folder);
    expect(containers).toEqual([
      expect.objectContaining({
        id: web.id,
        status: 'exited',
        finished: '2026-01-02T03:05:05Z',
        logPath: `containers/${web.id}/${web.id}-json.log`,
        mounts: [{ type: 'volume', name: 'v', destination: '/data', isWritable: true }],
      }),
    ]);
  });

  test('whose image has been removed takes the layers from the records of the engine', async () => {
    const { store, web } = await storeWithContainer('vfs', { Image: `sha256:${'0'.repeat(64)}` });
    writeFileSync(join(web.changes, 'own'), 'x');
    const { warnings } = await flattenImage(`docker-root:${store.folder}:container/web`);
    expect(warnings.map(({ code }) => code)).toContain('DIMGX_SOURCE_IMAGE_SKIPPED');
    await using image = await openImage(`docker-root:${store.folder}:container/web`);
    expect(image.layers).toHaveLength(3);
  });

  test('with a folder that is a link is refused', async () => {
    const { store, web } = await storeWithContainer('vfs');
    rmSync(web.changes, { recursive: true });
    symlinkSync('/etc', web.changes);
    await expect(flattenImage(`docker-root:${store.folder}:container/web`)).rejects.toMatchObject({
      code: 'DIMGX_STORE_DAMAGED',
    });
  });
});

test.skipIf(lacks('root', 'setpriv'))(
  'a container that this user may not read hides no other (needs root)',
  async () => {
    const image = { tags: ['localhost/app:1'], layers: [OLDER] };
    const store = await containersStore([image]);
    const { changes } = addStorageContainer(store.folder, { name: 'web', image });
    execFileSync('chown', ['-R', '65534:65534', store.folder]);
    chownSync(dirname(changes), 0, 0);
    chmodSync(dirname(changes), 0o700);
    const somebody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const dimgx = [process.execPath, DIMGX, 'images', '--json', `containers-storage:[${store.folder}]`];
    const { stdout } = await runCommand('setpriv', [...somebody, ...dimgx], { cwd: '/' });
    expect(JSON.parse(stdout.toString()).containers).toMatchObject([
      { names: ['web'], status: 'unknown', problem: { code: 'DIMGX_SOURCE_UNREADABLE' } },
    ]);
  },
);

test.skipIf(lacks('python3'))('the state of a container of Podman is read from SQLite (needs python3)', async () => {
  const image = { tags: ['localhost/app:1'], layers: [OLDER] };
  const store = await containersStore([image]);
  const { id } = addStorageContainer(store.folder, { name: 'web', image });
  const config = {
    ...{ createdTime: '2026-01-02T03:04:00Z', command: ['sleep', '9'] },
    namedVolumes: [{ volumeName: 'data', dest: '/data', options: ['rw'] }],
  };
  const state = { state: 4, exitCode: 7, startedTime: '2026-01-02T03:05:00Z', finishedTime: '2026-01-02T03:06:00Z' };
  const blob = (document: object) => `x'${Buffer.from(JSON.stringify(document)).toString('hex')}'`;
  await writeSqlite(join(store.folder, 'db.sql'), [
    'CREATE TABLE ContainerConfig(ID TEXT PRIMARY KEY NOT NULL, Name TEXT, PodID TEXT, JSON TEXT NOT NULL)',
    'CREATE TABLE ContainerState(ID TEXT PRIMARY KEY NOT NULL, State INTEGER, ExitCode INTEGER, JSON TEXT NOT NULL)',
    `INSERT INTO ContainerConfig VALUES ('${id}', 'web', NULL, ${blob(config)})`,
    `INSERT INTO ContainerState VALUES ('${id}', 4, 7, '${JSON.stringify(state)}')`,
  ]);
  const { stdout } = await runDimgx('images', '--json', `containers-storage:[${store.folder}]`);
  const [container] = JSON.parse(stdout).containers;
  expect(container).toMatchObject({ id, status: 'exited', exitCode: 7, command: ['sleep', '9'] });
  expect(container).toMatchObject({ started: '2026-01-02T03:05:00Z', finished: '2026-01-02T03:06:00Z' });
  expect(container.mounts).toMatchObject([{ type: 'volume', name: 'data', destination: '/data', writable: true }]);
});

test.skipIf(lacks('root', 'setpriv'))(
  "a user learns how to read what subordinate IDs own in the user's own storage (needs root)",
  async () => {
    const image = { tags: ['localhost/app:1'], layers: [OLDER] };
    const somebody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const refusal = async (owner: string, deny: (changes: string, folder: string) => string) => {
      const store = await containersStore([image]);
      const { changes } = addStorageContainer(store.folder, { name: 'web', image });
      writeFileSync(join(changes, 'secret'), 'x');
      mkdirSync(join(changes, 'folder'));
      execFileSync('chown', ['-R', owner, store.folder]);
      const denied = deny(changes, store.folder);
      execFileSync('chmod', ['-R', 'a+rX', store.folder]);
      chownSync(denied, 100_000, 100_000);
      chmodSync(denied, 0);
      const dimgx = [process.execPath, DIMGX, '-t', '-', `containers-storage:[${store.folder}]container/web`];
      const running = runCommand('setpriv', [...somebody, ...dimgx], { cwd: '/' });
      return running.then(
        () => 'not refused',
        (failure: Error) => failure.message,
      );
    };
    const inChanges = (name: string) => (changes: string) => join(changes, name);
    const document = (_: string, folder: string) => join(folder, 'overlay-images/images.json');
    for (const deny of [inChanges('secret'), inChanges('folder'), document]) {
      expect(await refusal('65534:65534', deny)).toMatch(/DIMGX_SOURCE_UNREADABLE: .*: run `podman unshare dimgx …`/);
      expect(await refusal('65533:65533', deny)).toMatch(/DIMGX_SOURCE_UNREADABLE: .*: run dimgx as root, or as the/);
    }
  },
);

test.skipIf(lacks('root'))('a layer without an ID has no line of its own, and null in JSON (needs root)', async () => {
  const { store, web } = await storeWithContainer();
  const reference = `docker-root:${store.folder}:container/web`;
  const { stdout } = await runDimgx('-q', reference);
  expect(stdout).toMatch(/^(?:[0-9a-f]{12}\n)+$/);
  const { layers } = JSON.parse((await runDimgx('--json', reference)).stdout);
  const ids: readonly (string | null)[] = layers.map(({ id }: { id: string | null }) => id);
  expect(ids).toContain(web.id);
  expect(ids).toContain(null);
  expect(ids).not.toContain('');
  const shown = ids.flatMap((id) => (id === null ? [] : [`${id.slice(0, 12)}\n`]));
  expect(stdout).toBe(shown.join(''));
});

test.skipIf(lacks('root', 'setpriv'))(
  "a store of root is refused to others, also if they own the store's folder (needs root)",
  async () => {
    const { store } = await storeWithContainer('overlay2');
    execFileSync('chmod', ['-R', 'a+rX', store.folder]);
    chownSync(store.folder, 65_534, 65_534);
    const somebody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const dimgx = [process.execPath, DIMGX, '-t', '/dev/null', `docker-root:${store.folder}:container/web`];
    const refusal = /ended with 2\n.*DIMGX_SOURCE_UNREADABLE: .* without the privilege to see attributes trusted/s;
    await expect(runCommand('setpriv', [...somebody, ...dimgx], { cwd: '/' })).rejects.toThrow(refusal);
  },
);

test.skipIf(lacks('setfattr'))('extended attributes with odd names are kept, or named (needs setfattr)', async () => {
  const { store, web } = await storeWithContainer('vfs');
  const path = join(web.changes, 'odd');
  writeFileSync(path, '');
  const set = (name: string) =>
    execFileSync('bash', ['-c', `setfattr -n "$(printf '${name}')" -v x "$1"`, 'bash', path]);
  set('user.caf\\351');
  set('user.a=b');
  const { tar, warnings } = await flattenImage(`docker-root:${store.folder}:container/web`);
  expect(readTar(tar).find(({ name }) => name === 'odd')?.fields.xattrs).toBe('user.caf\xe9=0x78');
  expect(warnings).toMatchObject([{ code: 'DIMGX_ENTRY_LEFT_OUT', message: expect.stringContaining('"odd"') }]);
});

test.skipIf(lacks('root'))(
  "the group of a user's engine is that of its user, whatever group the store's folder has (needs root)",
  async () => {
    const image = { tags: ['localhost/app:1'], layers: [OLDER] };
    const host = await temporaryFolder();
    mkdirSync(join(host, 'etc'));
    writeFileSync(join(host, 'etc/subuid'), 'jo:100000:65536\n');
    writeFileSync(join(host, 'etc/subgid'), 'jo:200000:65536\n');
    const store = await containersStore([image]);
    const { changes } = addStorageContainer(store.folder, { name: 'web', image });
    const folder = join(host, 'storage');
    cpSync(store.folder, folder, { recursive: true });
    const own = changes.replace(store.folder, folder);
    for (const name of ['own', 'other']) writeFileSync(join(own, name), '');
    execFileSync('chown', ['-R', '1001:1002', folder]);
    chownSync(join(own, 'other'), 100_004, 200_005);
    const owners = async (passwd: string, gid: number) => {
      writeFileSync(join(host, 'etc/passwd'), passwd);
      chownSync(folder, 1001, gid);
      const { tar, warnings } = await flattenImage(`containers-storage:[${folder}]container/web`);
      const entries = new Map(readTar(tar).map(({ name, fields }) => [name, fields.owner]));
      return [entries.get('own'), entries.get('other'), ...warnings.map(({ code }) => code)];
    };
    const jo = 'jo:x:1001:1002::/home/jo:/bin/sh\n';
    expect(await owners(jo, 1002)).toEqual(['0:0', '5:6']);
    expect(await owners(jo, 0)).toEqual(['0:0', '5:6']);
    expect(await owners('jo:x:1001:::\n', 1002)).toEqual(['0:0', '5:6']);
    expect(await owners('jo:x:1001:-1::\n', 1002)).toEqual(['0:0', '5:6']);
    expect(await owners(jo.replace('1002', '77'), 1002)).toEqual(['0:1002', '5:6', 'DIMGX_CONTAINER_OWNER']);
  },
);

test.skipIf(lacks('root'))(
  "owners of a user's engine are found in the layers of its image, or given (needs root)",
  async () => {
    const layer = rawLayer([
      { name: 'root', content: 'r' },
      { name: 'user', content: 'u', uid: 5, gid: 6 },
    ]);
    const image = { tags: ['localhost/app:1'], layers: [layer] };
    const store = await containersStore([image]);
    const { changes } = addStorageContainer(store.folder, { name: 'web', image });
    // Nothing above the storage says which IDs its user has.
    const host = await temporaryFolder();
    const moved = (path: string) => path.replace(store.folder, join(host, 'storage'));
    mkdirSync(join(host, 'etc'));
    writeFileSync(join(host, 'etc/passwd'), '');
    cpSync(store.folder, join(host, 'storage'), { recursive: true });
    writeFileSync(join(moved(changes), 'own'), '');
    execFileSync('chown', ['-R', '1001:1002', join(host, 'storage')]);
    for (const [path, uid, gid] of [
      [store.folder, 1001, 1002],
      [join(store.layerFolder(image, 0), 'user'), 100_004, 200_005],
      [join(changes, 'own'), 100_999, 1002],
    ] as const)
      chownSync(moved(path), uid, gid);
    const reference = `containers-storage:[${host}/storage]container/web`;
    const ownerOf = async (options = {}) => {
      const { tar } = await flattenImage(reference, options);
      return readTar(tar).find(({ name }) => name === 'own')?.fields.owner;
    };
    expect(await ownerOf()).toBe('1000:0');
    expect(await ownerOf({ uidMap: '0:100000:65536' })).toBe('999:1002');
    expect(await ownerOf({ uidMap: '0:100000:65536', gidMap: '7:1002:1' })).toBe('999:7');
    await expect(flattenImage(reference, { uidMap: '0:1' })).rejects.toMatchObject({ code: 'DIMGX_OPTION_INVALID' });
  },
);
