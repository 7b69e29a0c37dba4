import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findPathOwner } from '#dimgx/source/find-path-owner.js';
import { listImages } from '#dimgx/source/list-images.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { describeWithEngines } from '../helpers/engines.js';
import { writeArchive } from '../helpers/members.js';
import { Podman } from '../helpers/podman.js';
import { rawLayer } from '../helpers/raw-layer.js';

describeWithEngines('the containers of Podman', () => {
  let podman: Podman;

  beforeAll(async () => {
    podman = await Podman.start();
  });

  afterAll(() => podman?.stop());

  test('are lost if their list is, and no layer of an image is', async () => {
    const layers = [rawLayer([{ name: 'a', content: 'a' }]), rawLayer([{ name: 'b', content: 'b' }])];
    await podman.load(await writeArchive(dockerArchive([{ tags: ['localhost/app:1'], layers }])));
    await podman.run('create', '--name', 'web', 'localhost/app:1', '/a');
    await podman.run('create', '--name', 'mapped', '--uidmap', '0:100000:1000', 'localhost/app:1', '/a');
    const context = join(podman.root, '..', 'context');
    mkdirSync(context);
    writeFileSync(join(context, 'Containerfile'), 'FROM localhost/app:1\nCOPY Containerfile /c\n');
    await podman.run('build', '-q', '-t', 'localhost/built:1', context);
    const reference = `containers-storage:[${podman.root}]`;
    const before = await listImages(reference);
    expect(before.leftovers).toEqual([]);
    const ids = (before.containers ?? []).map(({ id }) => id);
    expect(ids).toHaveLength(2);
    rmSync(join(podman.root, 'overlay-containers/containers.json'));
    const { images, leftovers = [] } = await listImages(reference);
    expect(images).toHaveLength(2);
    const lost = leftovers.filter(({ kind }) => kind === 'lost container');
    const documents = leftovers.filter(({ kind }) => kind === 'orphaned documents');
    expect(documents.map(({ path }) => basename(path)).sort()).toEqual([...ids].sort());
    expect([lost.length, leftovers.length]).toEqual([2, 4]);
    for (const { path, id } of lost) {
      expect(await findPathOwner(reference, `${path}/diff/x`)).toMatchObject({ kind: 'changes of a container', id });
    }
  });
});
