import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { openImage } from '#dimgx/source/resolve.js';
import { DockerClient } from '../helpers/docker-client.js';
import { describeWithEngines } from '../helpers/engines.js';
import { flattenImage } from '../helpers/flatten-image.js';
import { readTar } from '../helpers/read-tar.js';
import { runCommand } from '../helpers/run-command.js';

/** Debian's client has BuildKit in it. Newer ones need a plugin, and may come first on the path. */
const CLIENT = '/usr/bin/docker';
const NAME = 'dimgx/buildkit:1';

const STEPS = [
  'COPY --chown=1000:1001 file /owned/file',
  'COPY file /owned/other',
  'RUN ln /owned/other /owned/hard && ln -s hard /owned/symlink && chmod 4711 /owned/hard',
  'RUN rm /owned/file && mkdir /owned/file && echo new > /owned/file/in',
];

describeWithEngines('an image that BuildKit built', () => {
  const docker = new DockerClient(inject('dockerHost'));
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-buildkit-'));
  });
  afterAll(async () => {
    await docker.run('rmi', '-f', NAME);
    await rm(folder, { recursive: true });
  });

  test.skipIf(!existsSync(CLIENT))(
    `is in the storage as the engine saves it, layer by layer (needs ${CLIENT})`,
    async () => {
      const base = await docker.load('fixtures/busybox-podman.tar.gz');
      const context = join(folder, 'context');
      await mkdir(context);
      await writeFile(join(context, 'file'), 'contents');
      await writeFile(join(context, 'Dockerfile'), [`FROM ${base}`, ...STEPS].join('\n'));
      const env = { DOCKER_HOST: inject('dockerHost'), DOCKER_BUILDKIT: '1' };
      await runCommand(CLIENT, ['build', '--network=host', '-t', NAME, context], { env });
      const saved = join(folder, 'saved.tar');
      await docker.run('save', '-o', saved, NAME);

      const stored = `docker-root:${await docker.run('info', '--format', '{{.DockerRootDir}}')}:${NAME}`;
      const layers = await tarsOfLayers(stored);
      expect(layers.length).toBeGreaterThan(STEPS.length);
      expect(layers).toEqual(await tarsOfLayers(saved));
      const { tar, warnings } = await flattenImage(stored);
      expect(warnings).toEqual([]);
      expect(tar.equals((await flattenImage(saved)).tar)).toBe(true);
      const owned = readTar(tar).filter(({ name }) => name.startsWith('owned/'));
      expect(owned.map(({ name, link }) => `${name} ${link}`)).toEqual([
        ...['owned/ ', 'owned/file/ ', 'owned/file/in ', 'owned/hard ', 'owned/other owned/hard'],
        'owned/symlink hard',
      ]);
    },
  );
});

/** Each layer by itself, verified. */
async function tarsOfLayers(reference: string): Promise<readonly Buffer[]> {
  await using image = await openImage(reference);
  const tars: Buffer[] = [];
  for (const layer of image.layers) {
    const indexes = await inspectLayers(image, { select: [layer] });
    tars.push(await buffer(extractLayers(indexes)));
    await Promise.all(indexes.map(({ verified }) => verified));
  }
  return tars;
}
