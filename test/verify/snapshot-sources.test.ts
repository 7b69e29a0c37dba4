import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { snapshot } from '#dimgx/snapshot/snapshot.js';
import { addDockerContainer } from '../helpers/container-stores.js';
import { docker25Archive, dockerArchive, dockerV1Archive } from '../helpers/docker-archive.js';
import { containersStore, dockerStore } from '../helpers/engine-stores.js';
import { temporaryFolder, writeArchive, writeFolder } from '../helpers/members.js';
import { ociLayout } from '../helpers/oci-layout.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { flawsOf } from '../helpers/snapshot-bag.js';

const layers = [
  rawLayer([
    { name: 'etc/', type: '5', mode: 0o755, mtime: 1 },
    { name: 'etc/key', content: 'a key', mtime: 1 },
    { name: 'etc/same', type: '1', link: 'etc/key', mtime: 1 },
  ]),
  rawLayer([{ name: 'etc/.wh.key' }, { name: 'new', content: 'new', mtime: 1 }]),
];
const image = { layers, tags: ['app:1'] };

/** A container with a file of its own. */
async function withContainer(): Promise<string> {
  const { folder } = await dockerStore([image]);
  const { changes } = addDockerContainer(folder, { name: 'web', image });
  await writeFile(join(changes, 'own'), 'own');
  return `docker-root:${folder}:container/web`;
}

test.each([
  [
    'an archive of 2015',
    async () => writeArchive(dockerV1Archive([{ id: 'a'.repeat(64), layer: layers[0] as Buffer }])),
  ],
  ['an archive of Docker 24', async () => writeArchive(dockerArchive([image]))],
  ['an archive of Docker 25', async () => writeArchive(docker25Archive([image]))],
  ['one of a containerd store', async () => writeArchive(docker25Archive([image], { gzip: true, nested: true }))],
  ['a layout', async () => `oci:${await writeFolder(ociLayout([image], { gzip: true }))}`],
  [
    'a layout with an index for platforms',
    async () => `oci:${await writeFolder(ociLayout([image], { nested: true }))}`,
  ],
  ["Docker's storage", async () => `docker-root:${(await dockerStore([image])).folder}:app:1`],
  ["Podman's storage", async () => `containers-storage:[overlay@${(await containersStore([image])).folder}]app:1`],
  ['a container in a storage', withContainer],
])('a snapshot and its image are in order, wherever the image comes from: %s', async (_, open) => {
  const bag = join(await temporaryFolder(), 'bag');
  const reference = await open();
  await snapshot(reference, bag, { platform: 'amd64' });
  expect(await flawsOf(bag)).toEqual([]);
  expect(await flawsOf(reference, { platform: 'amd64' })).toEqual([]);
});
