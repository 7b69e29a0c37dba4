import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { snapshot } from '#dimgx/snapshot/snapshot.js';
import { DockerClient } from '../helpers/docker-client.js';
import { describeWithEngines } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { runCommand } from '../helpers/run-command.js';
import { flawsOf } from '../helpers/snapshot-bag.js';

const BUILT = 'localhost:5000/tools/verified:1.0';

const DOCKERFILE = `FROM scratch
COPY a /a
COPY b /b
ENV C=1
COPY a /b
CMD ["sh"]
`;

describeWithEngines('an image of a Docker Engine', () => {
  const host = inject('dockerHost');
  const docker = new DockerClient(host);
  let context = '';

  beforeAll(async () => {
    context = await mkdtemp(join(tmpdir(), 'dimgx-context-'));
    for (const [name, text] of Object.entries({ Dockerfile: DOCKERFILE, a: 'one', b: 'two' })) {
      await writeFile(join(context, name), text);
    }
    await docker.build(context, BUILT);
  });
  afterAll(() => rm(context, { recursive: true, force: true }));

  test('is in order, and so is a snapshot of it', async () => {
    const bag = join(await temporaryFolder(), 'bag');
    await snapshot(`docker-daemon:${BUILT}`, bag, { host });
    expect(await flawsOf(bag)).toEqual([]);
    expect(await flawsOf(`docker-daemon:${BUILT}`, { host })).toEqual([]);
    await runCommand('sha256sum', ['--quiet', '-c', 'manifest-sha256.txt', 'tagmanifest-sha256.txt'], { cwd: bag });
  });

  test('that was run is in order as a container', async () => {
    const name = 'dimgx-verified';
    await docker.run('create', '--name', name, BUILT);
    const bag = join(await temporaryFolder(), 'bag');
    await snapshot(`docker-daemon:container/${name}`, bag, { host });
    expect(await flawsOf(bag)).toEqual([]);
    expect(await flawsOf(`docker-daemon:container/${name}`, { host })).toEqual([]);
    await docker.run('rm', name);
  });
});
