import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findPathOwner } from '#dimgx/source/find-path-owner.js';
import { listImages } from '#dimgx/source/list-images.js';
import { CHANGED_LAYER, changeTree } from '../helpers/container-changes.js';
import { type Containerd, startContainerd } from '../helpers/containerd.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { describeWithEngines } from '../helpers/engines.js';
import { extractTar } from '../helpers/extract-tar.js';
import { flattenImage } from '../helpers/flatten-image.js';
import { archiveOf } from '../helpers/members.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { runShell } from '../helpers/run-command.js';
import { listTree, type Tree } from '../helpers/tree.js';
import { treeDifferences } from '../helpers/tree-differences.js';

const NAME = 'docker.io/library/changed:1';
const LAYERS = [rawLayer([{ name: 'base', content: 'b', mtime: 1 }]), CHANGED_LAYER];
const withoutSocket = (tree: Tree): Tree => new Map([...tree].filter(([, { type }]) => type !== 'socket'));

describeWithEngines('what is in the storage of containerd', () => {
  let containerd: Containerd;
  let folder: string;
  /** The folders that containerd mounts for a container: its own, and the layers of the image. */
  let folders: readonly string[];
  let shown: Tree;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-containerd-'));
    containerd = await startContainerd({ collects: false });
    const archive = join(folder, 'image.tar');
    await writeFile(archive, await archiveOf(dockerArchive([{ tags: ['changed:1'], layers: LAYERS }])));
    for (const snapshotter of ['overlayfs', 'native']) {
      const { ctr } = containerd;
      await ctr('-n', 'one', 'images', 'import', '--snapshotter', snapshotter, archive);
      await ctr('-n', 'one', 'containers', 'create', '--snapshotter', snapshotter, NAME, `web-${snapshotter}`, 'sh');
    }
    const place = join(folder, 'mounted');
    const mount = await containerd.ctr('-n', 'one', 'snapshots', 'mounts', place, 'web-overlayfs');
    folders = [...mount.matchAll(/(?:upperdir=|lowerdir=|:)(\/[^,:\s]+)/g)].map(([, path = '']) => path);
    await mkdir(place);
    await runShell(mount);
    try {
      await changeTree(place);
      // Overlayfs shows some times as they were, until it is mounted anew.
      await runShell(`umount '${place}'; ${mount}`);
      shown = withoutSocket(await listTree(place));
    } finally {
      await runShell(`umount '${place}'`);
    }
  });
  afterAll(async () => {
    await containerd?.stop();
    await rm(folder, { recursive: true });
  });

  test('belongs to the image and the container that containerd mounts it for, while it runs', async () => {
    const reference = `containerd-root:${containerd.root}`;
    const owners = await Promise.all(folders.map((path) => findPathOwner(reference, `${path}/etc/x`)));
    const seen = owners.map(({ kind, path, images, containers }) => [
      ...[kind, path, images.map(({ names, layer }) => [...names, layer]), containers.map(({ id }) => id)],
    ]);
    const layer = (number: number) => ['layer', 'etc/x', [[`one/${NAME}`, number]], ['web-overlayfs']];
    const changes = ['changes of a container', 'etc/x', [], ['web-overlayfs']];
    expect(seen.sort()).toEqual([changes, layer(1), layer(2)].sort());
    const { containers: users } = await findPathOwner(reference, 'web-native');
    expect(users).toMatchObject([{ id: 'web-native', namespace: 'one' }]);
  });

  test('is all used, once containerd has collected its garbage', async () => {
    const { root } = containerd;
    // Its collector of garbage removes what only the import needed.
    await containerd.ctr('-n', 'one', 'images', 'tag', NAME, 'docker.io/library/other:1');
    await containerd.ctr('-n', 'one', 'images', 'rm', '--sync', 'docker.io/library/other:1');
    const digests = (await containerd.ctr('-n', 'one', 'content', 'ls', '-q')).trim().split('\n');
    const parts = await Promise.all(
      digests.map(async (digest) => {
        const { kind, images } = await findPathOwner(
          root,
          `${root}/io.containerd.content.v1.content/blobs/${digest.replace(':', '/')}`,
        );
        expect({ kind, names: images[0]?.names }).toEqual({ kind: 'blob', names: [`one/${NAME}`] });
        return [images[0]?.part, images[0]?.layer].join(' ').trim();
      }),
    );
    expect(parts.sort()).toEqual(expect.arrayContaining(['config', 'layer 1', 'layer 2', 'manifest']));
    expect((await listImages(root)).leftovers).toEqual([]);
  });

  test('is left once the image and the container are gone, and can be opened', async () => {
    const { root, ctr } = containerd;
    for (const snapshotter of ['overlayfs', 'native'])
      await ctr('-n', 'one', 'containers', 'rm', '--keep-snapshot', `web-${snapshotter}`);
    await ctr('-n', 'one', 'images', 'rm', NAME);
    await runShell(
      `printf part | ctr --address '${join(root, '../socket')}' -n one content ingest --expected-size 100 a-download || true`,
    );
    await containerd.end();
    const { images, containers, leftovers = [] } = await listImages(root);
    expect(images).toEqual([]);
    expect(containers).toEqual([]);
    const count = (kind: string) => leftovers.filter((each) => each.kind === kind).length;
    expect(count('unused layer')).toBe(4);
    expect(count('lost container')).toBe(2);
    expect(count('unused blob')).toBeGreaterThanOrEqual(4);
    expect(leftovers.find(({ kind }) => kind === 'unfinished download')).toMatchObject({ size: 4 });
    for (const { kind, id, path } of leftovers) {
      const owner = await findPathOwner(root, `/var/lib/containerd/${path}`);
      expect(owner).toMatchObject({ images: [], containers: [], isHeld: false, leftover: { kind, id } });
    }
    const { tar, warnings } = await flattenImage(`containerd-root:${root}:layer/web-overlayfs`);
    await writeFile(join(folder, 'tar'), tar);
    const { tree } = await extractTar('GNU tar', join(folder, 'tar'), folder);
    expect(treeDifferences(shown, tree, () => false)).toEqual([]);
    expect(warnings.find(({ code }) => code === 'DIMGX_SOURCE_UNVERIFIED')?.count).toBe(3);
    const native = await flattenImage(`containerd-root:${root}:layer/web-native`);
    expect(native.tar.length).toBeGreaterThan(1024);
  });
});
