import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { buildCommand } from '#dimgx/evidence/build-command.js';
import type { OpenOptions } from '#dimgx/options.js';
import { openImage } from '#dimgx/source/resolve.js';
import { DockerClient } from '../helpers/docker-client.js';
import { describeWithEngines } from '../helpers/engines.js';
import { Podman } from '../helpers/podman.js';
import { runCommand } from '../helpers/run-command.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));
const BASE = 'dimgx/busybox:docker';
const NAME = 'dimgx/commands:1';

/** Debian's client has BuildKit in it. Newer ones need a plugin, and may come first on the path. */
const CLIENT = '/usr/bin/docker';

/** Instructions that all builders repeat with all they say. */
const LINES = [
  'ENV KEY=value',
  'LABEL made.by=me',
  'RUN echo a  > /a && echo "#(nop) b" > /b # buildkit',
  'WORKDIR /w',
  'USER 1:2',
  'USER 0',
  'EXPOSE 80/tcp',
  'VOLUME /data /more',
  'STOPSIGNAL SIGTERM',
  'HEALTHCHECK --interval=30s --retries=3 CMD echo "ok" || exit 1',
  'HEALTHCHECK NONE',
  'SHELL ["/bin/sh", "-e", "-c"]',
  'ENTRYPOINT ["/bin/sh", "-c", "echo \\"q\\" $0"]',
  'CMD ["a", "b c"]',
];

/** With build arguments, of which the builders tell the values. */
const WITH_ARGUMENTS = ['ARG FIRST', 'ARG SECOND=2', 'RUN echo $FIRST'];
const LAST_LINE = "RUN FIRST='a b' SECOND=2 echo $FIRST";

const DOCKERFILE = [`FROM ${BASE}`, ...LINES, 'SHELL ["/bin/sh", "-c"]', ...WITH_ARGUMENTS].join('\n');

/** The commands of an image's own steps, without those of its base. */
async function commandsOf(reference: string, options: OpenOptions = {}): Promise<string[]> {
  await using image = await openImage(reference, options);
  const commands = image.history.map(({ history }) => buildCommand(history.createdBy));
  return commands.slice(commands.findIndex((command) => command.startsWith('ENV KEY')));
}

describeWithEngines('the steps of a history are the lines of the Dockerfile, built by', () => {
  const host = inject('dockerHost');
  const docker = new DockerClient(host);
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-commands-'));
    await writeFile(join(folder, 'Dockerfile'), DOCKERFILE);
    await docker.load(FIXTURE);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.skipIf(!existsSync(CLIENT)).each([
    ["Docker's classic builder", '0'],
    ['BuildKit', '1'],
  ])(`%s (needs ${CLIENT})`, async (_, buildKit) => {
    const env = { DOCKER_HOST: host, DOCKER_BUILDKIT: buildKit };
    await runCommand(CLIENT, ['build', '--network=host', '--build-arg=FIRST=a b', '-t', NAME, folder], { env });
    try {
      const commands = await commandsOf(`docker-daemon:${NAME}`, { host });
      expect(commands).toEqual([...LINES, 'SHELL ["/bin/sh", "-c"]', ...WITH_ARGUMENTS.slice(0, 2), LAST_LINE]);
    } finally {
      await docker.run('rmi', '-f', NAME);
    }
  });

  test('Podman', async () => {
    const podman = await Podman.start('vfs');
    try {
      await podman.load(FIXTURE);
      // Podman counts the words of the arguments, not the arguments; its steps of ARG have no values.
      const build = ['build', '--network=host', '--isolation=chroot', '--format=docker', '--build-arg=FIRST=ab'];
      await podman.run(...build, '-t', NAME, folder);
      const commands = await commandsOf(`containers-storage:[vfs@${podman.root}]localhost/${NAME}`);
      const withoutArguments = commands.filter((command) => !command.startsWith('ARG'));
      const last = 'RUN FIRST=ab SECOND=2 echo $FIRST';
      expect(withoutArguments).toEqual([...LINES, 'SHELL ["/bin/sh", "-c"]', last]);
    } finally {
      await podman.stop();
    }
  });
});
