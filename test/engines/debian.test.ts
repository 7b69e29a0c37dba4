import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { buildDebianImage } from '../helpers/debian-image.js';
import { DockerClient } from '../helpers/docker-client.js';
import { describeWithEngines, lacks } from '../helpers/engines.js';
import { EXTRACTORS, type Extractor, extractTar } from '../helpers/extract-tar.js';
import { flattenQuietly } from '../helpers/flatten-quietly.js';
import { JUDGES, judgeRecords } from '../helpers/judge-records.js';
import { listImage } from '../helpers/overlay-mount.js';
import { recordImage } from '../helpers/recorded-run.js';
import type { Tree } from '../helpers/tree.js';
import { treeDifferences } from '../helpers/tree-differences.js';

const TAG = 'dimgx/debian:built';
const extractors = Object.keys(EXTRACTORS) as Extractor[];

describeWithEngines('a Debian image with installed packages', () => {
  const docker = new DockerClient(inject('dockerHost'));
  let folder: string;
  let expected: Tree;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-debian-'));
    await buildDebianImage(docker, folder, TAG);
    expected = await listImage(docker, TAG, folder);
    await docker.run('save', '-o', `${folder}/saved.tar`, TAG);
    await flattenQuietly(`${folder}/saved.tar`, `${folder}/flat.tar`);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('has what makes it a test', () => {
    expect(expected.size).toBeGreaterThan(5000);
    expect(expected.get('usr/bin/perl')).toBeUndefined();
    expect(expected.get('usr/bin/perl5.36.0')).toMatchObject({ type: 'file', sameFileAs: '' });
    expect(expected.get('usr/bin/ping')?.xattrs).toMatch(/^security\.capability=0x0/);
    expect([...expected.keys()].filter((path) => path.startsWith('usr/share/doc/'))).toEqual(['usr/share/doc/when']);
    expect(expected.get('var/run')).toMatchObject({ type: 'directory' });
    expect(expected.get('media')).toMatchObject({ type: 'symlink', target: 'mnt' });
  });

  it.each(extractors)(
    'extracts by %s, which has nothing to say, to what Docker shows a container',
    async (extractor) => {
      const { tree, stderr } = await extractTar(extractor, `${folder}/flat.tar`, folder);
      expect(stderr).toBe('');
      expect(treeDifferences(expected, tree)).toEqual([]);
    },
  );

  it.skipIf(lacks(...JUDGES))(`has records that real tools agree with (needs ${JUDGES.join(', ')})`, async () => {
    const run = await recordImage(`${folder}/saved.tar`, `${folder}/records`);
    expect(run.stderr).toBe('');
    await judgeRecords(run);
    const hidden = (await run.provenance()).filter(({ state }) => state === 'hidden');
    expect(hidden.length).toBeGreaterThan(500);
  });
});
