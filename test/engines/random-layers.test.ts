import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { DockerClient } from '../helpers/docker-client.js';
import { describeWithEngines } from '../helpers/engines.js';
import { extractTar } from '../helpers/extract-tar.js';
import { flattenQuietly } from '../helpers/flatten-quietly.js';
import { listImage } from '../helpers/overlay-mount.js';
import { randomSteps } from '../helpers/random-steps.js';
import { treeDifferences } from '../helpers/tree-differences.js';

const LAYERS = 8;
const COMMANDS = 1000;

describeWithEngines('an image built by random commands flattens to what Docker shows a container', () => {
  const docker = new DockerClient(inject('dockerHost'));
  let folder: string;
  let base: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-random-'));
    base = await docker.load('fixtures/busybox-podman.tar.gz');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([1, 2, 3, 4])('seed %d', async (seed) => {
    const steps = randomSteps(seed, LAYERS, COMMANDS);
    const context = join(folder, `context-${seed}`);
    await mkdir(context);
    for (const [index, step] of steps.entries()) await writeFile(join(context, `step-${index}`), step);
    const runs = steps.map((_, index) => `RUN sh /scripts/step-${index}`);
    const prepare = [
      'RUN /bin/busybox --install -s /bin && cd / && mkdir steps && cd steps && mkdir 0 1 2 3 4 5 6 7 8 9',
      'COPY . /scripts/',
      'WORKDIR /steps',
    ];
    await writeFile(join(context, 'Dockerfile'), [`FROM ${base}`, ...prepare, ...runs].join('\n'));
    await docker.build(context, `dimgx/random:${seed}`);

    const expected = await listImage(docker, `dimgx/random:${seed}`, folder);
    expect([...expected.keys()].filter((path) => path.startsWith('steps/')).length).toBeGreaterThan(100);
    await docker.run('save', '-o', `${folder}/${seed}.tar`, `dimgx/random:${seed}`);
    await flattenQuietly(`${folder}/${seed}.tar`, `${folder}/${seed}-flat.tar`);
    const { tree, stderr } = await extractTar('GNU tar', `${folder}/${seed}-flat.tar`, folder);
    expect(stderr).toBe('');
    expect(treeDifferences(expected, tree)).toEqual([]);
  });
});
