import { afterAll, beforeAll, expect, test } from 'vitest';
import { listImages } from '#dimgx/source/list-images.js';
import { type Containerd, startContainerd } from '../helpers/containerd.js';
import { describeWithEngines } from '../helpers/engines.js';
import { flattenImage } from '../helpers/flatten-image.js';

/** Archives, and the names that containerd gives their images. */
const ARCHIVES = [
  ['fixtures/busybox-docker.tar', 'docker.io/dimgx/busybox:docker'],
  ['fixtures/busybox-oci.tar', 'docker.io/dimgx/oci:umoci'],
] as const;
/** More names than fit on one page of its database. */
const NAMES = Array.from({ length: 80 }, (_, i) => `docker.io/library/name-${i}:${'x'.repeat(60)}`);

describeWithEngines('images in the storage of containerd', () => {
  let containerd: Containerd;

  beforeAll(async () => {
    containerd = await startContainerd();
    const [[docker, name], [oci]] = ARCHIVES;
    await containerd.ctr('-n', 'one', 'images', 'import', docker);
    await containerd.ctr('-n', 'two', 'images', 'import', '--base-name', 'docker.io/dimgx/oci', oci);
    await containerd.ctr('-n', 'one', 'images', 'tag', name, ...NAMES);
  });
  afterAll(() => containerd?.stop());

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

  test('flatten as the archives do that were imported, once it has been stopped', async () => {
    await containerd.end();
    for (const [path, name] of ARCHIVES) {
      const { tar, warnings } = await flattenImage(`containerd-root:${containerd.root}:${name}`);
      expect(tar.equals((await flattenImage(path)).tar), name).toBe(true);
      expect(warnings).toEqual([]);
    }
  });
});
