import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findPathOwner } from '#dimgx/source/find-path-owner.js';
import { listImages } from '#dimgx/source/list-images.js';
import { openImage } from '#dimgx/source/resolve.js';
import { boltFile } from '../../helpers/bolt-file.js';
import { imageIdOf, sha256 } from '../../helpers/built-image.js';
import { addDockerContainer, addStorageContainer } from '../../helpers/container-stores.js';
import { chainId, containersStore, dockerStore, type StoredImageSpec } from '../../helpers/engine-stores.js';
import { lacks } from '../../helpers/engines.js';
import { extractTar } from '../../helpers/extract-tar.js';
import { flattenImage } from '../../helpers/flatten-image.js';
import { temporaryFolder } from '../../helpers/members.js';
import { cannotMount } from '../../helpers/mounts.js';
import { linkOverlay } from '../../helpers/overlay-links.js';
import { changeOverlay, listOverlay } from '../../helpers/overlay-mount.js';
import { rawLayer } from '../../helpers/raw-layer.js';
import { callDimgx } from '../../helpers/shared-dimgx.js';
import { treeDifferences } from '../../helpers/tree-differences.js';

const BASE = rawLayer([{ name: 'a', content: 'a' }]);
const TOP = rawLayer([{ name: 'b', content: 'bb' }]);
const APP: StoredImageSpec = { tags: ['app:1'], layers: [BASE, TOP] };
const ORPHAN = sha256('orphan');

const kindsOf = async (folder: string) => {
  const { leftovers = [] } = await listImages(folder);
  return leftovers.map(({ kind, id, path, isLayer }) => [kind, id, path, isLayer]);
};

/** The name of the folder of a layer. */
const nameOf = (layerFolder: string) => basename(dirname(layerFolder));

describe('what nothing uses', () => {
  test('is nothing in the storage of an image and its container', async () => {
    for (const driver of ['overlay2', 'vfs', 'btrfs']) {
      const { folder } = await dockerStore([APP], { driver });
      addDockerContainer(folder, { name: 'web', image: APP }, driver);
      expect(await kindsOf(folder)).toEqual([]);
    }
    expect(await kindsOf((await containersStore([APP])).folder)).toEqual([]);
  });

  test("is found in Docker's storage", async () => {
    const store = await dockerStore([APP]);
    const { folder } = store;
    const web = addDockerContainer(folder, { name: 'web', image: APP });
    rmSync(join(folder, 'containers', web.id), { recursive: true });
    rmSync(join(folder, 'image/overlay2/imagedb/content/sha256', imageIdOf(APP)));
    const records = join(folder, 'image/overlay2/layerdb/sha256');
    const [base, top] = [0, 1].map((i) => nameOf(store.layerFolder(APP, i)));
    renameSync(join(records, chainId(APP, 1)), join(records, `${chainId(APP, 1)}-1234-removing`));
    mkdirSync(join(folder, 'image/overlay2/layerdb/tmp/write-set-7'), { recursive: true });
    mkdirSync(join(folder, 'overlay2', ORPHAN, 'diff'), { recursive: true });
    writeFileSync(join(folder, 'overlay2', ORPHAN, 'diff/x'), '12345');
    const mount = nameOf(web.changes);
    expect((await kindsOf(folder)).sort()).toEqual(
      [
        ['half-deleted layer', top, `overlay2/${top}`, true],
        ['half-deleted layer', 'write-set-7', 'image/overlay2/layerdb/tmp/write-set-7', false],
        ['lost container', mount, `overlay2/${mount}`, true],
        ['lost container', `${mount}-init`, `overlay2/${mount}-init`, true],
        ['orphaned folder', ORPHAN, `overlay2/${ORPHAN}`, true],
        ['unused layer', base, `overlay2/${base}`, true],
      ].sort(),
    );
    rmSync(dirname(store.layerFolder(APP, 0)), { recursive: true });
    const record = `image/overlay2/layerdb/sha256/${chainId(APP, 0)}`;
    expect(await kindsOf(folder)).toContainEqual(['lost folder', base, record, false]);
    const { stdout } = await callDimgx('images', '--json', folder);
    expect(JSON.parse(stdout).leftovers).toContainEqual({
      ...{ kind: 'orphaned folder', id: ORPHAN, path: `overlay2/${ORPHAN}`, size: 5, store: null, layer: true },
      modified: expect.stringMatching(/^20\d\d-.*Z$/),
    });
    expect((await callDimgx('images', folder)).stdout).toMatch(
      /^LEFTOVER ID .*\n(?:.*\n)*[0-9a-f]{12} +orphaned folder/m,
    );
  });

  test("is found in Podman's storage", async () => {
    const store = await containersStore([APP, { ...APP, tags: ['old:1'], config: { author: 'x' } }]);
    const { folder } = store;
    const list = join(folder, 'overlay-layers/layers.json');
    const layers = JSON.parse(readFileSync(list, 'utf8'));
    const [broken, alone, gone] = ['broken', 'alone', 'gone'].map(sha256);
    const more = [
      { id: broken, flags: { incomplete: true } },
      { id: alone, parent: layers[0].id, 'diff-digest': `sha256:${alone}` },
      { id: gone },
    ];
    writeFileSync(list, JSON.stringify([...layers, ...more]));
    for (const id of [broken, alone, ORPHAN]) mkdirSync(join(folder, `overlay/${id}/diff`), { recursive: true });
    mkdirSync(join(folder, `overlay-images/${gone}`));
    writeFileSync(join(folder, `overlay-layers/${gone}.tar-split.gz`), '');
    writeFileSync(join(folder, `overlay-layers/${ORPHAN}.tar-split.gz`), '');
    expect(await kindsOf(folder)).toEqual([
      ['incomplete layer', broken, `overlay/${broken}`, true],
      ['unused layer', alone, `overlay/${alone}`, true],
      ['lost folder', gone, `overlay/${gone}`, false],
      ['orphaned folder', ORPHAN, `overlay/${ORPHAN}`, true],
      ['orphaned documents', gone, `overlay-images/${gone}`, false],
    ]);
  });

  test("is a lost container where Podman's list of containers is lost", async () => {
    const { folder } = await containersStore([APP]);
    const web = addStorageContainer(folder, { name: 'web', image: APP });
    const layer = nameOf(web.changes);
    expect(await kindsOf(folder)).toEqual([]);
    rmSync(join(folder, 'overlay-containers/containers.json'));
    expect(await kindsOf(folder)).toEqual([
      ['lost container', layer, `overlay/${layer}`, true],
      ['orphaned documents', web.id, `overlay-containers/${web.id}`, false],
    ]);
    expect(await findPathOwner(folder, `${web.changes}/x`)).toMatchObject({
      ...{ kind: 'changes of a container', path: 'x', containers: [] },
      leftover: { kind: 'lost container', id: layer },
    });
  });

  test('is no lost container if it is a layer of an image, or has a digest, a tar-split or a layer on it', async () => {
    const store = await containersStore([APP]);
    const { folder } = store;
    const list = join(folder, 'overlay-layers/layers.json');
    const [digest, split, below, above, broken] = ['digest', 'split', 'below', 'above', 'broken'].map(sha256);
    const layers: readonly { id: string; 'diff-digest'?: string }[] = JSON.parse(readFileSync(list, 'utf8'));
    for (const { id } of layers) rmSync(join(folder, `overlay-layers/${id}.tar-split.gz`));
    const more = [
      ...[{ id: digest, 'diff-digest': `sha256:${digest}` }, { id: split }, { id: below }],
      ...[
        { id: above, parent: below },
        { id: broken, flags: { incomplete: true } },
      ],
    ];
    writeFileSync(list, JSON.stringify([...layers.map(({ 'diff-digest': _, ...record }) => record), ...more]));
    for (const { id } of more) mkdirSync(join(folder, `overlay/${id}/diff`), { recursive: true });
    writeFileSync(join(folder, `overlay-layers/${split}.tar-split.gz`), '');
    expect((await kindsOf(folder)).map(([kind, id]) => [kind, id])).toEqual([
      ['unused layer', digest],
      ['unused layer', split],
      ['unused layer', below],
      ['lost container', above],
      ['incomplete layer', broken],
    ]);
    for (const i of [0, 1])
      expect(await findPathOwner(folder, store.layerFolder(APP, i))).toMatchObject({ kind: 'layer' });
  });

  test('is not what the build cache of Docker uses', async () => {
    const store = await dockerStore([APP]);
    const { folder } = store;
    rmSync(join(folder, 'image/overlay2/imagedb/content/sha256', imageIdOf(APP)));
    const own = 'k3v9q2m7x1c8b5n4z6l0j2h7g';
    mkdirSync(join(folder, 'overlay2', own, 'diff'), { recursive: true });
    expect(await kindsOf(folder)).toHaveLength(3);
    mkdirSync(join(folder, 'buildkit'));
    const database = boltFile({ [`sha256:${chainId(APP, 1)}`]: {}, built: { committed: Buffer.from(own) } });
    writeFileSync(join(folder, 'buildkit/snapshots.db'), database);
    expect(await kindsOf(folder)).toEqual([]);
  });
});

describe('a layer by its ID', () => {
  test.each(['overlay2', 'vfs'])('is rebuilt with those below it, and verified: %s', async (driver) => {
    const store = await dockerStore([APP], { driver });
    const { tar } = await flattenImage(`docker-root:${store.folder}`);
    const folder = store.layerFolder(APP, 1);
    const name = driver === 'vfs' ? basename(folder) : nameOf(folder);
    rmSync(join(store.folder, `image/${driver}/imagedb/content/sha256`, imageIdOf(APP)));
    for (const id of [name, name.slice(0, 8), chainId(APP, 1), `sha256:${chainId(APP, 1)}`]) {
      const found = await flattenImage(`docker-root:${store.folder}:layer/${id}`);
      expect(found.warnings).toEqual([]);
      expect(found.tar.equals(tar)).toBe(true);
    }
    await using base = await openImage(`docker-root:${store.folder}:layer/${chainId(APP, 0)}`);
    expect(base.layers).toHaveLength(1);
  });

  test('is opened in the storage of Podman, too', async () => {
    const store = await containersStore([APP]);
    const { tar } = await flattenImage(`containers-storage:[${store.folder}]app:1`);
    const name = nameOf(store.layerFolder(APP, 1));
    expect((await flattenImage(`containers-storage:[${store.folder}]layer/${name}`)).tar.equals(tar)).toBe(true);
  });

  test.skipIf(cannotMount() || lacks('root'))(
    'without a record is what the kernel shows of the folders (needs root)',
    async () => {
      const store = await dockerStore([APP]);
      const web = addDockerContainer(store.folder, { name: 'web', image: APP });
      const layers = [store.layerFolder(APP, 0), store.layerFolder(APP, 1)];
      const all = [...layers, web.prepared, web.changes];
      const below = all.slice(0, 3);
      const folder = await temporaryFolder();
      await changeOverlay({ below, changes: web.changes, folder }, [], async (tree) => {
        rmSync(join(tree, 'a'));
        writeFileSync(join(tree, 'own'), 'x');
      });
      linkOverlay(all);
      rmSync(join(store.folder, 'image/overlay2/layerdb/mounts'), { recursive: true });
      const { tar, warnings } = await flattenImage(`docker-root:${store.folder}:layer/${nameOf(web.changes)}`);
      expect(warnings.map(({ code, count }) => [code, count])).toEqual([['DIMGX_SOURCE_UNVERIFIED', 2]]);
      writeFileSync(join(folder, 'tar'), tar);
      const ours = (await extractTar('GNU tar', join(folder, 'tar'), folder)).tree;
      const shown = await listOverlay(all, folder, []);
      // The layers of the image are rebuilt, with the times that they have in their tars.
      const differences = treeDifferences(shown, ours, () => false).filter(
        (line) => !/mtime/.test(JSON.stringify(line)),
      );
      expect(differences).toEqual([]);
      expect([...ours.keys()].sort()).toEqual([...shown.keys()].sort());
    },
  );

  test('that is missing, or means several, is an error', async () => {
    const { folder } = await dockerStore([APP]);
    const open = (id: string) => openImage(`docker-root:${folder}:layer/${id}`);
    for (const id of ['0'.repeat(64), '../../x', '', 'l', '-init']) {
      await expect(open(id), id).rejects.toMatchObject({ code: 'DIMGX_SOURCE_NO_SUCH_IMAGE' });
    }
    for (const start of ['a', 'b'])
      mkdirSync(join(folder, `overlay2/abc${start.repeat(61)}/diff`), { recursive: true });
    await expect(open('abc')).rejects.toMatchObject({ code: 'DIMGX_SOURCE_AMBIGUOUS' });
  });

  test('that lies on folders that are missing names them', async () => {
    const store = await dockerStore([APP]);
    rmSync(join(store.folder, 'image/overlay2/layerdb'), { recursive: true });
    const layers = [store.layerFolder(APP, 0), store.layerFolder(APP, 1)];
    linkOverlay(layers);
    const reference = `docker-root:${store.folder}:layer/${nameOf(layers[1] as string)}`;
    rmSync(dirname(layers[0] as string), { recursive: true });
    await expect(openImage(reference)).rejects.toMatchObject({
      code: 'DIMGX_STORE_DAMAGED',
      message: expect.stringContaining(nameOf(layers[0] as string)),
    });
  });

  test.each<[what: string, lower: string, link?: string]>([
    ['names that are none', 'l/../../x'],
    ['paths', '/etc'],
    ['links that are missing', `l/${'Z'.repeat(26)}`],
    ['links that lead out', `l/${'X'.repeat(26)}`, '../../../../etc'],
    ['links to what is no layer', `l/${'X'.repeat(26)}`, '/etc'],
    ['itself', `l/${'X'.repeat(26)}`, `../${ORPHAN}/diff`],
    [
      'too much',
      Array(501)
        .fill(`l/${'X'.repeat(26)}`)
        .join(':'),
    ],
  ])('whose document has %s is refused', async (_, lower, link) => {
    const { folder } = await dockerStore([APP]);
    mkdirSync(join(folder, 'overlay2', ORPHAN, 'diff'), { recursive: true });
    mkdirSync(join(folder, 'overlay2/l'));
    writeFileSync(join(folder, 'overlay2', ORPHAN, 'lower'), lower);
    if (link !== undefined) symlinkSync(link, join(folder, `overlay2/l/${'X'.repeat(26)}`));
    const { code, stderr } = await callDimgx('-t', '-', `docker-root:${folder}:layer/${ORPHAN}`);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^dimgx: DIMGX_STORE_DAMAGED: .*\n$/) });
  });

  test('with a loop of parents ends', async () => {
    const store = await containersStore([APP]);
    const list = join(store.folder, 'overlay-layers/layers.json');
    const layers = JSON.parse(readFileSync(list, 'utf8'));
    writeFileSync(list, JSON.stringify([{ ...layers[0], parent: layers[1].id }, layers[1]]));
    const reference = `containers-storage:[${store.folder}]layer/${layers[1].id}`;
    await using image = await openImage(reference);
    expect(image.layers).toHaveLength(2);
    expect(await kindsOf(store.folder)).toEqual([]);
  });

  test('whose folder is a link is never followed', async () => {
    const { folder } = await dockerStore([APP]);
    symlinkSync('/etc', join(folder, 'overlay2', ORPHAN));
    await expect(flattenImage(`docker-root:${folder}:layer/${ORPHAN}`)).rejects.toMatchObject({
      code: 'DIMGX_STORE_DAMAGED',
    });
  });
});
