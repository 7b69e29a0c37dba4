import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { changesOf } from '#dimgx/evidence/changes.js';
import { Versions } from '#dimgx/evidence/versions.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import { openImage } from '#dimgx/source/resolve.js';
import { DockerClient } from '../helpers/docker-client.js';
import { type DockerEngine, startDockerEngine } from '../helpers/docker-engine.js';
import { describeWithEngines } from '../helpers/engines.js';
import { removeTree } from '../helpers/remove-tree.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));

const WAS = "'2001-02-03 04:05:06'";

/** Each change, for the shell of a container, in a folder of its own under `/t` that all begin alike. */
const CHANGES = [
  // removals
  'rm f',
  'rm -r d',
  'rm -r d/sub',
  'rm h',
  'rm -r ../$n',
  `rm d/a; touch -d ${WAS} d`,
  `rm -r d/sub; touch -d ${WAS} d`,
  // recreated directories
  'rm -r d; mkdir d',
  'rm -r d; mkdir d; echo new > d/new',
  'rm -r d; mkdir d; echo new > d/a',
  'rm -r d; mkdir -p d/sub/deep',
  'rm -r d/sub; mkdir d/sub; echo new > d/sub/b',
  `rm -r d; mkdir d; touch -d ${WAS} d`,
  'rm -r ../$n; mkdir ../$n',
  'rm -r d; echo new > d; rm d; mkdir d',
  // replaced types
  'rm -r d; echo new > d',
  'rm -r d; ln -s f d',
  'rm f; mkdir f; echo new > f/in',
  'rm f; ln -s l f',
  'rm l; mkdir l; echo new > l/in',
  'rm l; echo new > l',
  'rm f; mkfifo f',
  // contents and metadata
  'echo more >> f',
  'echo more >> d/sub/b',
  'printf "" > f',
  'chmod 700 d',
  'chmod 600 f',
  'chown 5:6 d/sub',
  `touch -h -d '2002-02-03 04:05:06' l`,
  // additions
  'mkdir new',
  'echo new > d/sub/new',
  `echo new > d/new; touch -d ${WAS} d`,
  'mkdir -p new/in/deep; echo new > new/in/deep/file; echo new > new-file',
  'mkfifo p',
  // moved
  'mv d moved',
  'mv f moved',
  'mv d/sub sub',
];

/** What `docker diff` does not tell, although the image committed from the container has an entry for it. */
const OVERLOOKED: readonly (readonly [change: string, paths: readonly string[]])[] = [
  ['touch d/sub', ['', '/d', '/d/sub']],
  ['echo new > new; rm new', ['']],
  [`rm f; echo x > f; touch -d ${WAS} f`, ['', '/f']],
  ['ln f h2', ['/f']],
];

const ALL = [...CHANGES, ...OVERLOOKED.map(([change]) => change)];

const folderOf = (change: string) => `/t/${ALL.indexOf(change) + 10}`;

const BEFORE = `set -e; for n in $(seq 10 ${9 + ALL.length}); do
  mkdir -p /t/$n/d/sub/deep; cd /t/$n; echo x > f; ln -s f l; ln f h; echo y > d/a; echo z > d/sub/b; echo w > d/sub/deep/c
done; find /t -exec touch -h -d ${WAS} {} +`;

const AFTER = `set -e; ${ALL.map((change) => `n=${folderOf(change).slice(3)}; cd /t/$n; ${change}`).join('\n')}`;

/** What the newest layer did, as `docker diff` words it. */
async function linesOf(reference: string): Promise<string[]> {
  await using image = await openImage(reference);
  const versions = new Versions(mergeLayers(await inspectLayers(image), { explain: true }));
  const newest = image.layers.length - 1;
  return [...changesOf(versions, newest, newest)].map(({ kind, path }) => `${kind} /${path}`);
}

describeWithEngines('what the newest layer did is what docker diff tells', () => {
  let folder = '';
  let vfs: DockerEngine;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-changes-'));
    vfs = await startDockerEngine('vfs');
  });
  afterAll(async () => {
    await vfs?.stop();
    await removeTree(folder);
  });

  // What vfs compares to write a layer is what docker diff compares, so its layers lack what docker diff overlooks.
  describe.each([
    ['overlay2', () => inject('dockerHost'), OVERLOOKED],
    ['vfs', () => vfs.host, []],
  ] as const)('with %s', (driver, host, overlooked) => {
    let told: string[] = [];
    let docker: DockerClient;
    const extra = overlooked.flatMap(([change, paths]) => paths.map((path) => `C ${folderOf(change)}${path}`));
    const bytewise = (lines: readonly string[]) =>
      lines.toSorted((one, other) => (one.slice(2) < other.slice(2) ? -1 : 1));

    beforeAll(async () => {
      docker = new DockerClient(host());
      await docker.load(FIXTURE);
      await docker.run('run', '--network=none', '--name=before', 'dimgx/busybox:docker', '/bin/sh', '-c', BEFORE);
      await docker.run('commit', 'before', 'dimgx/before:1');
      await docker.run('run', '--network=none', '--name=changed', 'dimgx/before:1', '/bin/sh', '-c', AFTER);
      told = (await docker.run('diff', 'changed')).split('\n');
      await docker.run('commit', 'changed', 'dimgx/changed:1');
    });
    afterAll(async () => {
      await docker.run('rm', '-f', 'before', 'changed');
      await docker.run('rmi', '-f', 'dimgx/changed:1', 'dimgx/before:1');
    });

    test('of an image that was committed', async () => {
      const saved = join(folder, 'saved.tar');
      await docker.run('save', '-o', saved, 'dimgx/changed:1');
      expect(told.length).toBeGreaterThan(100);
      expect(await linesOf(saved)).toEqual(bytewise([...told, ...extra]));
    });

    test('of a container in the storage', async () => {
      const root = await docker.run('info', '--format', '{{.DockerRootDir}}');
      // vfs keeps a container as one whole tree: its layer describes all of it, and what the engine prepared is new in it.
      const isCertain = (line: string) => driver !== 'vfs' || /^[AD] \/t\//.test(line);
      const lines = await linesOf(`docker-root:${root}:container/changed`);
      expect(lines.filter(isCertain)).toEqual(bytewise([...told, ...extra]).filter(isCertain));
    });
  });
});
