import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { DockerClient } from '../helpers/docker-client.js';
import { describeWithEngines } from '../helpers/engines.js';
import { EXTRACTORS, type Extractor, extractTar } from '../helpers/extract-tar.js';
import { flattenQuietly } from '../helpers/flatten-quietly.js';
import { listImage } from '../helpers/overlay-mount.js';
import { runCommand } from '../helpers/run-command.js';
import type { Tree } from '../helpers/tree.js';
import { timesLeftOpen, treeDifferences } from '../helpers/tree-differences.js';

const FIXTURES = ['busybox-docker.tar', 'busybox-podman.tar.gz', 'busybox-oci.tar'];
const extractors = Object.keys(EXTRACTORS) as Extractor[];

describeWithEngines('what a flattened fixture extracts to is what Docker shows a container', () => {
  const docker = new DockerClient(inject('dockerHost'));

  describe.each(FIXTURES)('%s', (fixture) => {
    const loadedAt = Date.now();
    let folder: string;
    let expected: Tree;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'dimgx-fixtures-'));
      expected = await listImage(docker, await docker.load(await loadable(fixture, folder)), folder);
      await flattenQuietly(`fixtures/${fixture}`, `${folder}/flat.tar`);
    });
    afterAll(() => rm(folder, { recursive: true }));

    it.each(extractors)('by %s, which has nothing to say', async (extractor) => {
      const { tree, stderr } = await extractTar(extractor, `${folder}/flat.tar`, folder);
      expect(stderr).toBe('');
      expect(treeDifferences(expected, tree, timesLeftOpen(loadedAt))).toEqual([]);
    });
  });
});

/** Docker 20.10 does not read OCI archives: skopeo rewrites those, with the same layers. */
async function loadable(fixture: string, folder: string): Promise<string> {
  if (fixture !== 'busybox-oci.tar') return `fixtures/${fixture}`;
  const archive = `${folder}/loadable.tar`;
  const target = `docker-archive:${archive}:dimgx/busybox:umoci`;
  await runCommand('skopeo', ['--insecure-policy', 'copy', `oci-archive:fixtures/${fixture}`, target]);
  return archive;
}
