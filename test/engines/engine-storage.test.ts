import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listImages } from '#dimgx/source/list-images.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { DockerClient } from '../helpers/docker-client.js';
import { type DockerEngine, startDockerEngine } from '../helpers/docker-engine.js';
import { describeWithEngines } from '../helpers/engines.js';
import { flattenImage } from '../helpers/flatten-image.js';
import { archiveOf } from '../helpers/members.js';
import { Podman } from '../helpers/podman.js';
import { extension, rawLayer } from '../helpers/raw-layer.js';

const LONG = `${'long/'.repeat(40)}name`;

/** Layers that engines load, some of which they cannot save again. */
const LAYERS: readonly Buffer[] = [
  rawLayer([
    { name: './', type: '5' },
    { name: 'dir/', type: '5', mode: 0o700 },
    { name: 'dir/caf\xe9', content: 'not UTF-8' },
    { name: 'dir/a<&\u0001>', content: 'escaped in JSON' },
    { name: LONG, magic: 'gnu', content: 'GNU' },
    { name: 'short', pax: [['path', `${LONG}2`]], content: 'PAX' },
    { name: 'big', content: '0123456789abcdef'.repeat(30_000) },
    { name: 'empty' },
    { name: 'hard', type: '1', link: 'big' },
    { name: 'sized', type: '1', link: 'dir/caf\xe9', size: 9 },
    { name: 'dir/sym', type: '2', link: '/nowhere' },
    { name: 'fifo', type: '6' },
    { name: './dotted/./x', content: 'x' },
    { name: 'dir/../up', content: 'up' },
  ]),
  rawLayer([
    { name: '.wh.empty' },
    { name: 'dir/', type: '5' },
    { name: 'dir/.wh..wh..opq' },
    { name: 'dir/new', content: 'new' },
    { name: 'real/', type: '5' },
    { name: 'link', type: '2', link: '/real' },
    { name: 'link/below', content: 'through an absolute symlink' },
  ]),
  rawLayer([extension('g', '20 comment=whatever\n'), { name: 'big', content: 'replaced' }]),
  Buffer.concat([rawLayer([{ name: 'trailing', content: 't' }]), Buffer.alloc(10_240)]),
  Buffer.alloc(1024),
];

const IMAGES = [
  { tags: ['dimgx/edges:1'], layers: LAYERS.slice(0, 3) },
  { tags: ['dimgx/edges:2'], layers: LAYERS },
];

/** Archives with one image each, and the name of the image. */
async function archivesIn(folder: string): Promise<readonly (readonly [path: string, name: string])[]> {
  const own = IMAGES.map(async (image, i) => {
    const path = `${folder}/edges-${i}.tar`;
    writeFileSync(path, await archiveOf(dockerArchive([image])));
    return [path, image.tags[0] as string] as const;
  });
  return [['fixtures/busybox-docker.tar', 'dimgx/busybox:docker'], ...(await Promise.all(own))];
}

describeWithEngines('images in the storage of an engine that has been stopped', () => {
  describe.each(['overlay2', 'vfs'] as const)("Docker's, with %s", (driver) => {
    let engine: DockerEngine;
    let folder: string;
    let archives: Awaited<ReturnType<typeof archivesIn>>;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'dimgx-storage-'));
      archives = await archivesIn(folder);
      engine = await startDockerEngine(driver);
      const docker = new DockerClient(engine.host);
      for (const [path] of archives) await docker.load(path);
      await engine.end();
    });
    afterAll(async () => {
      await engine?.stop();
      rmSync(folder, { recursive: true });
    });

    test('flatten as the archives do that were loaded', async () => {
      for (const [path, name] of archives) {
        const { tar, warnings } = await flattenImage(`docker-root:${engine.data}:${name}`);
        const archive = await flattenImage(path);
        expect(tar.equals(archive.tar), name).toBe(true);
        expect(warnings.map(({ code }) => code)).toEqual(archive.warnings.map(({ code }) => code));
      }
    });

    test('are listed', async () => {
      const { images } = await listImages(engine.data);
      expect(images.flatMap(({ names }) => names).sort()).toEqual(archives.map(([, name]) => name).sort());
      expect(images.every(({ isWhole }) => isWhole)).toBe(true);
    });
  });

  describe.each(['overlay', 'vfs'] as const)("Podman's, with %s", (driver) => {
    let podman: Podman;
    let folder: string;
    let archives: Awaited<ReturnType<typeof archivesIn>>;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'dimgx-storage-'));
      archives = await archivesIn(folder);
      podman = await Podman.start(driver);
      for (const [path] of archives) await podman.load(path);
    });
    afterAll(async () => {
      await podman?.stop();
      rmSync(folder, { recursive: true });
    });

    test('flatten as the archives do that were loaded', async () => {
      for (const [path, name] of archives) {
        const { tar } = await flattenImage(`containers-storage:[${driver}@${podman.root}]${name}`);
        expect(tar.equals((await flattenImage(path)).tar), name).toBe(true);
      }
    });

    test('are listed', async () => {
      const { images } = await listImages(podman.root);
      const names = images.flatMap((image) => image.names).map((name) => name.replace('localhost/', ''));
      expect(names.sort()).toEqual(archives.map(([, name]) => name).sort());
    });

    test('are not read if a file was changed under them', async () => {
      const files = readdirSync(podman.root, { recursive: true, encoding: 'utf8' });
      const path = files.find((name) => name.startsWith(driver) && name.endsWith('/trailing')) ?? '';
      expect(readFileSync(join(podman.root, path), 'utf8')).toBe('t');
      writeFileSync(join(podman.root, path), 'x');
      await expect(flattenImage(`containers-storage:[${podman.root}]dimgx/edges:2`)).rejects.toMatchObject({
        code: 'DIMGX_STORE_FILE_CHANGED',
        path: 'trailing',
      });
    });
  });
});
