import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEngine } from '#dimgx/engine/open-engine.js';
import { describeWithEngines } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { codeOf, opened } from '../helpers/opened-engine.js';
import { type PodmanEngine, startPodmanEngine } from '../helpers/podman-engine.js';
import { runDimgx } from '../helpers/run-dimgx.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));
const NAME = 'dimgx/busybox:docker';

describeWithEngines('Podman that holds a list of manifests', () => {
  let podman: PodmanEngine;
  const dimgx = (name: string) => runDimgx('--host', podman.host, '-q', name);

  beforeAll(async () => {
    podman = await startPodmanEngine();
    await podman.run('load', '--quiet', '--input', FIXTURE);
    await podman.run('manifest', 'create', 'list:1');
    await podman.run('manifest', 'add', 'list:1', `containers-storage:localhost/${NAME}`);
  });
  afterAll(() => podman?.stop());

  it('does not list it, and gives the image in it for this machine', async () => {
    const image = await dimgx(NAME);
    expect(image).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['list:1', 'localhost/list:1', 'docker-daemon:list:1']) {
      expect(await dimgx(name)).toEqual(image);
    }
    expect(await dimgx('docker.io/library/list:1')).toMatchObject({ code: 2 });
  });

  it('finds images by name when it cannot list them, for want of the layers of another', async () => {
    const before = await dimgx(NAME);
    const folder = await temporaryFolder();
    await writeFile(`${folder}/Dockerfile`, 'FROM scratch\nLABEL a=1\n');
    await podman.run('build', '--tag', 'empty:1', folder);
    expect(await codeOf((await opened(await openEngine({ host: podman.host }))).images())).toBe('DIMGX_ENGINE_FAILED');
    expect(await dimgx(NAME)).toEqual(before);
    expect(await dimgx('none:1')).toMatchObject({ code: 2, stderr: expect.stringContaining('NO_SUCH_IMAGE') });
  });
});
