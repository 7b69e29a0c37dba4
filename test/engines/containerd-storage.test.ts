import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listImages } from '#dimgx/source/list-images.js';
import { CHANGED_LAYER, changeTree } from '../helpers/container-changes.js';
import { type Containerd, startContainerd } from '../helpers/containerd.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { describeWithEngines } from '../helpers/engines.js';
import { extractTar } from '../helpers/extract-tar.js';
import { flattenImage } from '../helpers/flatten-image.js';
import { archiveOf } from '../helpers/members.js';
import { runShell } from '../helpers/run-command.js';
import { listTree } from '../helpers/tree.js';
import { treeDifferences } from '../helpers/tree-differences.js';

/** Archives, and the names that containerd gives their images. */
const ARCHIVES = [
  ['fixtures/busybox-docker.tar', 'docker.io/dimgx/busybox:docker'],
  ['fixtures/busybox-oci.tar', 'docker.io/dimgx/oci:umoci'],
] as const;
/** More names than fit on one page of its database. */
const NAMES = Array.from({ length: 80 }, (_, i) => `docker.io/library/name-${i}:${'x'.repeat(60)}`);

describeWithEngines('images in the storage of containerd', () => {
  let containerd: Containerd;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-containerd-'));
    containerd = await startContainerd();
    const [[docker, name], [oci]] = ARCHIVES;
    await containerd.ctr('-n', 'one', 'images', 'import', docker);
    await containerd.ctr('-n', 'two', 'images', 'import', '--base-name', 'docker.io/dimgx/oci', oci);
    await containerd.ctr('-n', 'one', 'images', 'tag', name, ...NAMES);
  });
  afterAll(async () => {
    await containerd?.stop();
    await rm(folder, { recursive: true });
  });

  test('are listed as by its own client, while it runs', async () => {
    const { images } = await listImages(containerd.root);
    for (const namespace of ['one', 'two']) {
      const own = (await containerd.ctr('-n', namespace, 'images', 'ls', '-q')).trim().split('\n');
      const prefix = `${namespace}/`;
      const names = images.flatMap((image) => image.names).filter((each) => each.startsWith(prefix));
      expect(names.map((each) => each.slice(prefix.length)).sort()).toEqual(own.sort());
    }
    expect(images.every(({ isWhole }) => isWhole)).toBe(true);
  });

  test.each(['overlayfs', 'native'])('are below a container, whose tree is what %s mounts', async (snapshotter) => {
    const id = `changed-${snapshotter}`;
    const archive = join(folder, 'image.tar');
    await writeFile(archive, await archiveOf(dockerArchive([{ tags: ['changed:1'], layers: [CHANGED_LAYER] }])));
    const [name, place] = ['docker.io/library/changed:1', join(folder, id)];
    await containerd.ctr('-n', 'one', 'images', 'import', '--snapshotter', snapshotter, archive);
    await containerd.ctr('-n', 'one', 'containers', 'create', '--snapshotter', snapshotter, name, id, 'sh');
    const mount = await containerd.ctr('-n', 'one', 'snapshots', '--snapshotter', snapshotter, 'mounts', place, id);
    await mkdir(place);
    await runShell(mount);
    try {
      await changeTree(place);
      // Overlayfs shows some times as they were, until it is mounted anew.
      await runShell(`umount '${place}'; ${mount}`);
      const shown = await listTree(place);
      const { tar, warnings } = await flattenImage(`containerd-root:${containerd.root}:one/container/${id}`);
      await writeFile(join(folder, 'tar'), tar);
      const { tree } = await extractTar('GNU tar', join(folder, 'tar'), folder);
      const inTar = new Map([...shown].filter(([, { type }]) => type !== 'socket'));
      expect(treeDifferences(inTar, tree, () => false)).toEqual([]);
      expect(warnings.map(({ code }) => code)).not.toContain('DIMGX_SOURCE_UNVERIFIED');
    } finally {
      await runShell(`umount '${place}'`);
    }
    const { containers } = await listImages(containerd.root);
    expect(containers?.find((each) => each.id === id)).toMatchObject({ image: name, size: expect.any(Number) });
  });

  test('flatten as the archives do that were imported, once it has been stopped', async () => {
    await containerd.end();
    for (const [path, name] of ARCHIVES) {
      const { tar, warnings } = await flattenImage(`containerd-root:${containerd.root}:${name}`);
      expect(tar.equals((await flattenImage(path)).tar), name).toBe(true);
      expect(warnings).toEqual([]);
    }
  });
});
