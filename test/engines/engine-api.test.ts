import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Engine, PullProgress } from '#dimgx/engine/engine.js';
import { openEngine } from '#dimgx/engine/open-engine.js';
import { bytesOf } from '../helpers/bytes-of.js';
import { DockerClient } from '../helpers/docker-client.js';
import { describeWithEngines, lacks } from '../helpers/engines.js';
import { startPodmanEngine } from '../helpers/podman-engine.js';
import { startRegistry } from '../helpers/registry.js';
import { runCommand } from '../helpers/run-command.js';

const FIXTURE = 'fixtures/busybox-docker.tar';
const NAME = 'dimgx/busybox:docker';

/** Each in its own way starts an engine or takes the one that is there. */
const ENGINES: Record<string, () => Promise<{ readonly host: string; stop?(): Promise<void> }>> = {
  Docker: async () => ({ host: inject('dockerHost') }),
  Podman: startPodmanEngine,
};

describeWithEngines('the images of an engine', () => {
  describe.each(Object.keys(ENGINES))('%s', (kind) => {
    let folder: string;
    let docker: DockerClient;
    let engine: Engine;
    let host: string;
    let stop: (() => Promise<void>) | undefined;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'dimgx-api-'));
      ({ host, stop } = (await ENGINES[kind]?.()) ?? { host: '' });
      docker = new DockerClient(host);
      await docker.load(FIXTURE);
      engine = await openEngine({ host });
    });
    afterAll(async () => {
      await engine?.close();
      await stop?.();
      await rm(folder, { recursive: true, force: true });
    });

    it('are listed and described as by its own client, and named as Docker does', async () => {
      const inspected = JSON.parse(await docker.run('inspect', NAME))[0];
      const details = await engine.inspect(NAME);
      expect(details).toMatchObject({
        id: inspected.Id.replace('sha256:', ''),
        created: inspected.Created,
        architecture: 'amd64',
        os: 'linux',
        diffIds: inspected.RootFS.Layers,
        size: inspected.Size,
      });
      expect(details?.repoTags).toContain(NAME);
      expect(await engine.inspect(details?.id ?? '')).toEqual(details);
      expect(await engine.inspect(details?.id.slice(0, 12) ?? '')).toEqual(details);
      const listed = (await engine.images()).find(({ id }) => id === details?.id);
      expect(listed).toMatchObject({
        repoTags: expect.arrayContaining([NAME]),
        parentId: details?.parentId,
        size: details?.size,
      });
      expect(listed?.created).toBe(Math.floor(Date.parse(inspected.Created) / 1000));
    });

    it('have a history, newest first', async () => {
      const history = await engine.history(NAME);
      const lines = (
        await docker.run('history', '--no-trunc', '--human=false', '--format', '{{.CreatedBy}}|{{.Size}}', NAME)
      ).split('\n');
      expect(history.map(({ createdBy, size }) => `${createdBy}|${size}`)).toEqual(lines);
    });

    it('are not there when they are not', async () => {
      expect(await engine.inspect('dimgx/none:1')).toBeUndefined();
      expect(await engine.inspect('f'.repeat(64))).toBeUndefined();
      expect(await engine.inspect('No such, name')).toBeUndefined();
      for (const name of ['dimgx/none:1', 'f'.repeat(64)]) {
        const gone = {
          code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
          message: expect.stringContaining('was removed in the meantime'),
        };
        await expect(engine.history(name)).rejects.toMatchObject(gone);
        await expect(engine.save(name)).rejects.toMatchObject(gone);
      }
    });

    it('are saved as by its own client', async () => {
      const { id = '' } = (await engine.inspect(NAME)) ?? {};
      await docker.run('save', '-o', join(folder, 'by-client.tar'), id);
      await writeFile(join(folder, 'by-us.tar'), await bytesOf(await engine.save(id)));
      const [theirs, ours] = await Promise.all(
        ['by-client.tar', 'by-us.tar'].map((name) => contentsOf(join(folder, name))),
      );
      expect(ours).toEqual(theirs);
    });

    it('cannot be pulled from nowhere', async () => {
      await expect(engine.pull('127.0.0.1:1/dimgx/none:1')).rejects.toMatchObject({
        code: 'DIMGX_ENGINE_FAILED',
        message: expect.stringContaining('connection refused'),
      });
    });

    if (kind !== 'Docker') return;

    it('know their parents when they were built here', async () => {
      await writeFile(join(folder, 'Dockerfile'), `FROM ${NAME}\nLABEL a=1\nLABEL b=2\nLABEL c=3\n`);
      await docker.build(folder, 'dimgx/chain:1');
      const chain = [await engine.inspect('dimgx/chain:1')];
      while (chain.at(-1)?.parentId) chain.push(await engine.inspect(chain.at(-1)?.parentId ?? ''));
      expect(chain.map((image) => image?.repoTags)).toEqual([['dimgx/chain:1'], [], [], [NAME]]);
      const known = new Map((await engine.images()).map(({ id, parentId }) => [id, parentId]));
      for (const image of chain) expect(known.get(image?.id ?? '')).toBe(image?.parentId);
    });

    it.skipIf(lacks('docker-registry'))('are pulled from a registry (skipped without docker-registry)', async () => {
      const registry = await startRegistry();
      try {
        const name = `${registry.host}/dimgx/pulled`;
        await docker.run('import', FIXTURE, `${name}:latest`);
        await docker.run('push', `${name}:latest`);
        const before = await engine.inspect(name);
        await docker.run('rmi', `${name}:latest`);
        expect(await engine.inspect(name)).toBeUndefined();
        const seen: PullProgress[] = [];
        await engine.pull(name, { onProgress: (progress) => seen.push(progress) });
        expect((await engine.inspect(name))?.id).toBe(before?.id);
        expect(
          seen.some(({ status, current, total }) => status === 'Downloading' && (current ?? 0) <= (total ?? 0)),
        ).toBe(true);
        const [digest = ''] = (await engine.inspect(name))?.repoDigests ?? [];
        await engine.pull(digest);
        await expect(engine.pull(`${name}:none`)).rejects.toMatchObject({
          code: 'DIMGX_ENGINE_FAILED',
          message: expect.stringContaining('manifest unknown'),
        });
      } finally {
        await registry.stop();
      }
    });
  });
});

/** The names, sizes and types in an archive, in order: an engine makes some of its files anew for each save. */
async function contentsOf(archive: string): Promise<string[]> {
  const { stdout } = await runCommand('tar', ['--list', '--verbose', '--file', archive]);
  return stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.replace(/ \d{4}-\d\d-\d\d \d\d:\d\d /, ' '))
    .sort();
}
