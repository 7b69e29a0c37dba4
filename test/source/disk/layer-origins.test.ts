import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openImage } from '#dimgx/source/resolve.js';
import { diffIdOf, imageIdOf, sha256 } from '../../helpers/built-image.js';
import { addDockerContainer } from '../../helpers/container-stores.js';
import { ContainerdStore } from '../../helpers/containerd-store.js';
import { containersStore, dockerStore, type StoredImageSpec } from '../../helpers/engine-stores.js';
import { rawLayer } from '../../helpers/raw-layer.js';
import { callDimgx } from '../../helpers/shared-dimgx.js';

const BASE = rawLayer([{ name: 'a', content: 'a' }]);
const TOP = rawLayer([{ name: 'b', content: 'b' }]);
const APP: StoredImageSpec = { tags: ['app:1'], layers: [BASE, TOP] };
const BLOB = `sha256:${sha256('a blob')}`;
const ORIGIN = { repository: 'docker.io/library/app', digest: BLOB };

async function originsOf(reference: string) {
  await using image = await openImage(reference);
  return image.layers.map(({ origins }) => origins);
}

/** Path of what Docker remembers of a layer. */
function remembered(folder: string, layer: Buffer): string {
  const path = join(folder, 'image/overlay2/distribution/v2metadata-by-diffid', diffIdOf(layer).replace(':', '/'));
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

describe('where a layer came from', () => {
  test('is what Docker remembers, of containers, too', async () => {
    const { folder } = await dockerStore([APP]);
    const row = { Digest: BLOB, SourceRepository: ORIGIN.repository, HMAC: '' };
    const other = { ...row, SourceRepository: 'quay.io/me/app' };
    writeFileSync(remembered(folder, TOP), JSON.stringify([row, other, row, { ...row, Digest: '../x' }, 7, {}]));
    const origins = [ORIGIN, { ...ORIGIN, repository: 'quay.io/me/app' }];
    expect(await originsOf(`docker-root:${folder}`)).toEqual([undefined, origins]);
    addDockerContainer(folder, { name: 'web', image: APP });
    addDockerContainer(folder, { name: 'old', image: APP, document: { Image: BLOB } });
    const { stdout } = await callDimgx('--json', `docker-root:${folder}`);
    expect(JSON.parse(stdout).layers.map((layer: { origins: unknown }) => layer.origins)).toEqual([origins, []]);
  });

  test.each<[what: string, write: (path: string) => void]>([
    ['no JSON', (path) => writeFileSync(path, '[{')],
    ['another shape', (path) => writeFileSync(path, '{"Digest":7}')],
    ['too much', (path) => writeFileSync(path, `[${' '.repeat(5_000_000)}]`)],
    ['a FIFO', (path) => void execFileSync('mkfifo', [path])],
  ])('is left out if Docker has %s of it', async (_, write) => {
    const { folder } = await dockerStore([APP]);
    write(remembered(folder, TOP));
    expect(await originsOf(`docker-root:${folder}`)).toEqual([undefined, undefined]);
  });

  test('is told by the images of Podman whose manifests list the blob', async () => {
    const built: StoredImageSpec = { tags: ['localhost/built:1'], layers: [BASE] };
    const app = { ...APP, tags: ['docker.io/library/app:1', 'docker.io/library/app:latest'] };
    const { folder } = await containersStore([app, built]);
    const list = join(folder, 'overlay-layers/layers.json');
    const [first, ...others] = JSON.parse(readFileSync(list, 'utf8'));
    writeFileSync(list, JSON.stringify([{ ...first, 'compressed-diff-digest': BLOB }, ...others]));
    for (const image of [app, built]) {
      const manifest = join(folder, 'overlay-images', imageIdOf(image), 'manifest');
      writeFileSync(manifest, JSON.stringify({ layers: [{ digest: BLOB }, { digest: 3 }, null] }));
    }
    expect(await originsOf(`containers-storage:[${folder}]app:1`)).toEqual([[ORIGIN], undefined]);
    expect(await originsOf(`containers-storage:[${folder}]built:1`)).toEqual([[ORIGIN]]);
    writeFileSync(join(folder, 'overlay-images', imageIdOf(app), 'manifest'), '{"layers":{}}');
    expect(await originsOf(`containers-storage:[${folder}]app:1`)).toEqual([undefined, undefined]);
  });

  test.runIf(process.platform === 'linux')('is a label of the blob in containerd', async () => {
    const store = new ContainerdStore();
    store.name('default', 'docker.io/library/app:1', store.manifest({ layers: APP.layers }));
    const digest = diffIdOf(BASE);
    store.label('default', digest, {
      'containerd.io/distribution.source.docker.io': 'library/app',
      'containerd.io/distribution.source.quay.io': 'x,'.repeat(5000),
    });
    const { folder } = await store.write();
    const origins = [{ repository: 'docker.io/library/app', digest }];
    expect(await originsOf(`containerd-root:${folder}`)).toEqual([origins, undefined]);
  });
});
