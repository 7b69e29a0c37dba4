import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listImages } from '#dimgx/source/list-images.js';
import { CASE_IMAGES, loadImages, unlikeArchives } from '../conformance/stored-images.js';
import { EDGE_IMAGES } from '../helpers/edge-images.js';
import { describeWithEngines } from '../helpers/engines.js';
import { flattenImage } from '../helpers/flatten-image.js';
import { IMAGE_STORES, type ImageStore, type OpenStore } from '../helpers/image-stores.js';
import { inParallel } from '../helpers/in-parallel.js';
import { runCommand } from '../helpers/run-command.js';

/** An image of a real engine. */
const BUSYBOX = ['fixtures/busybox-docker.tar', 'dimgx/busybox:docker'] as const;
const AT_A_TIME = 3;

/** Those with trees to compare prove the images of the table in test/engines/conformance.test.ts. */
const imagesFor = ({ isJudge }: ImageStore) => (isJudge ? EDGE_IMAGES : [...EDGE_IMAGES, ...CASE_IMAGES]);

describeWithEngines('images in the storage of an engine that has been stopped', () => {
  let folder: string;
  const stores = new Map<string, OpenStore>();
  const refused = new Map<string, readonly string[]>();
  const present = IMAGE_STORES.filter(({ whyNot }) => whyNot === '');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-storage-'));
    await inParallel(present, AT_A_TIME, async (each) => {
      const store = await each.start();
      stores.set(each.name, store);
      const titles = await loadImages(store, imagesFor(each), await mkdtemp(join(folder, 'archives-')));
      const isLoaded = await store.load(BUSYBOX[0]).then(
        () => true,
        () => false, // it has a large owner
      );
      refused.set(each.name, isLoaded ? titles : [...titles, BUSYBOX[1]]);
      await store.end();
    });
  });
  afterAll(async () => {
    for (const store of stores.values()) await store.stop();
    rmSync(folder, { recursive: true });
  });

  const storeOf = (name: string) => stores.get(name) as OpenStore;
  const loadedInto = (each: ImageStore) =>
    imagesFor(each).filter(({ title }) => !refused.get(each.name)?.includes(title));

  const titled = IMAGE_STORES.map((each) => [`${each.name}${each.whyNot}`, each] as const);
  describe.each(titled)('%s', (_, each) => {
    test.skipIf(each.whyNot !== '')('flatten as their archives do, but where it is written down', async () => {
      const store = storeOf(each.name);
      const differ = await unlikeArchives(loadedInto(each), ({ tags }) => store.reference(tags?.[0] as string), folder);
      const found = `${JSON.stringify({ refused: refused.get(each.name), differ }, null, 2)}\n`;
      await expect(found).toMatchFileSnapshot(`stored/${each.name.replaceAll(' ', '-').toLowerCase()}.json`);
      expect(found).not.toContain('ANOTHER TREE');
      if (refused.get(each.name)?.includes(BUSYBOX[1])) return;
      const { tar } = await flattenImage(store.reference(BUSYBOX[1]));
      expect(tar.equals((await flattenImage(BUSYBOX[0])).tar)).toBe(true);
    });

    test.skipIf(each.whyNot !== '')('are listed', async () => {
      const { images } = await listImages(storeOf(each.name).root);
      expect(images.every(({ isWhole }) => isWhole)).toBe(true);
      const names = images.flatMap((image) => image.names).map((name) => /dimgx\/.*/.exec(name)?.[0]);
      const known = [...loadedInto(each).flatMap(({ tags = [] }) => tags), BUSYBOX[1]];
      expect(names.sort()).toEqual(known.filter((name) => !refused.get(each.name)?.includes(name)).sort());
    });
  });

  test('are not read if a file was changed under them', async () => {
    const { root, reference } = storeOf('Podman overlay');
    const { stdout } = await runCommand('find', ['-P', root, '-type', 'f', '-name', 'trailing']);
    const path = stdout.toString().trim();
    expect(readFileSync(path, 'utf8')).toBe('t');
    writeFileSync(path, 'x');
    await expect(flattenImage(reference('dimgx/edges:all-layers'))).rejects.toMatchObject({
      code: 'DIMGX_STORE_FILE_CHANGED',
      path: 'trailing',
    });
  });
});
