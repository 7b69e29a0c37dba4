import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { openImage } from '#dimgx/source/resolve.js';
import { DockerClient } from '../helpers/docker-client.js';
import { engineProxy } from '../helpers/engine-proxy.js';
import { describeWithEngines } from '../helpers/engines.js';
import { flattenImage } from '../helpers/flatten-image.js';
import { type PodmanEngine, startPodmanEngine } from '../helpers/podman-engine.js';
import { readTar } from '../helpers/read-tar.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));
const NAME = 'dimgx/busybox:docker';
const SAVE = /\/get(?:\?|$)/;

describeWithEngines("layers of a running engine's image are read from its storage", () => {
  let podman: PodmanEngine;
  const docker = new DockerClient(inject('dockerHost'));

  beforeAll(async () => {
    podman = await startPodmanEngine();
    await Promise.all([docker.load(FIXTURE), podman.run('load', '-i', FIXTURE)]);
  });
  afterAll(() => podman?.stop());
  beforeEach(() => {
    vi.stubEnv('DIMGX_ENGINE_STORAGE', undefined);
    return () => vi.unstubAllEnvs();
  });

  test.each(['Docker', 'Podman'])("%s's: the same bytes as from what it saves", async (engine) => {
    const proxy = await engineProxy(engine === 'Docker' ? inject('dockerHost') : podman.host);
    const { tar } = await flattenImage(`docker-daemon:${NAME}`, { host: proxy.host });
    expect(proxy.asked.filter((path) => SAVE.test(path))).toEqual([]);
    vi.stubEnv('DIMGX_ENGINE_STORAGE', '0');
    const saved = await flattenImage(`docker-daemon:${NAME}`, { host: proxy.host });
    expect(proxy.asked.filter((path) => SAVE.test(path))).toHaveLength(1);
    expect(tar.equals(saved.tar)).toBe(true);
  });

  test('some of them', async () => {
    const flatten = async () => {
      await using image = await openImage(`docker-daemon:${NAME}`, { host: inject('dockerHost') });
      return await buffer(extractLayers(await inspectLayers(image, { select: image.layers.slice(-1) })));
    };
    const tar = await flatten();
    vi.stubEnv('DIMGX_ENGINE_STORAGE', '0');
    expect(tar.equals(await flatten())).toBe(true);
  });

  test('an image that is removed in the meantime is an error', async () => {
    const name = 'dimgx/removed:1';
    await docker.shell(
      `printf 'FROM ${NAME}\nRUN echo removed > /removed' | docker build -q --network=host -t ${name} -`,
    );
    await using image = await openImage(`docker-daemon:${name}`, { host: inject('dockerHost') });
    await using early = await openImage(`docker-daemon:${name}`, { host: inject('dockerHost') });
    const layers = await inspectLayers(early);
    await docker.run('rmi', name);
    await expect(inspectLayers(image)).rejects.toMatchObject({ code: 'DIMGX_SOURCE_NO_SUCH_IMAGE' });
    await expect(buffer(extractLayers(layers))).rejects.toMatchObject({
      code: expect.stringMatching(/^DIMGX_STORE_/),
    });
  });

  describe('a container', () => {
    const name = 'dimgx-changed';
    const reference = `docker-daemon:container/${name}`;
    const options = { host: inject('dockerHost') };

    beforeAll(async () => {
      await docker.shell(
        `docker create --name ${name} ${NAME} && echo changed | docker cp /dev/stdin ${name}:/changed`,
      );
    });
    afterAll(() => docker.run('rm', name));

    test('is read as from the storage of an engine that has been stopped', async () => {
      const folder = (await docker.run('info', '--format', '{{.DockerRootDir}}')).trim();
      const { tar, warnings } = await flattenImage(reference, options);
      const stopped = await flattenImage(`docker-root:${folder}:container/${name}`);
      expect(tar.equals(stopped.tar)).toBe(true);
      expect(warnings).toEqual(stopped.warnings);
    });

    test('is exported where the storage is not to be read', async () => {
      const stored = await flattenImage(reference, options);
      vi.stubEnv('DIMGX_ENGINE_STORAGE', '0');
      const exported = await flattenImage(reference, options);
      expect(exported.warnings.map(({ code }) => code)).toEqual(['DIMGX_CONTAINER_EXPORTED']);
      // An export has no entry for the root.
      const paths = (tar: Buffer) =>
        readTar(tar)
          .flatMap((entry) => (entry.name === './' ? [] : entry.name))
          .sort();
      expect(paths(exported.tar)).toEqual(paths(stored.tar));
      expect(paths(exported.tar)).toContain('changed');
    });

    test('that the engine does not have may be an image of that name', async () => {
      await docker.run('tag', NAME, 'container/busybox');
      const { tar } = await flattenImage('docker-daemon:container/busybox', options);
      expect(tar.equals((await flattenImage(`docker-daemon:${NAME}`, options)).tar)).toBe(true);
      await docker.run('rmi', 'container/busybox');
      await expect(flattenImage('docker-daemon:container/none', options)).rejects.toMatchObject({
        code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
        message: expect.stringMatching(/ has no container "none"$/),
      });
    });
  });
});
