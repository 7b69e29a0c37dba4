import { mkdir, writeFile } from 'node:fs/promises';
import { archiveOf } from './members.js';
import { runCommand } from './run-command.js';

const FIXTURE = 'fixtures/busybox-docker.tar';

/** Names of the images, the same in each engine. */
export const LAYERED = {
  /** Loaded: without parents. */
  loaded: 'dimgx/busybox:docker',
  /** Imported: one layer with every type of entry, and with names and attributes that tools lose. */
  imported: 'straight/imported:latest',
  /** Built on the imported image. */
  built: 'straight/built:latest',
  /** Two names of one image in the middle of the built one's steps. */
  middle: ['straight/middle:one', 'straight/middle:two'],
  /** Built on the built image. */
  child: 'straight/child:latest',
  /** Committed from a container of the child, with a note. */
  committed: 'straight/committed:1.0',
} as const;

const BUILT = `FROM ${LAYERED.imported}
ENV PATH=/bin
LABEL made.by="a test"
# new names of files whose contents lie in an older layer
RUN busybox ln /opt/name-1 /opt/name-4 && busybox ln /bin/busybox /bin/ls
# whiteouts of a file, of a directory, and of the first of several names
RUN busybox rm /etc/motd /opt/name-1 && busybox rm -r /var/log/old
# opaque
RUN busybox rm -r /srv/data && busybox mkdir -m 2750 /srv/data && echo new > /srv/data/new
# one layer twice
ADD again.tar /
RUN busybox rm /again
ADD again.tar /
WORKDIR /work/here
RUN busybox chmod 1755 /home/user && busybox chown 7:8 /home/user
RUN busybox true
CMD ["/bin/sh"]
`;

/** The number of these steps after the opaque one. The image of the opaque step gets the names of `LAYERED.middle`. */
const AFTER_MIDDLE = 7;

const CHILD = `FROM ${LAYERED.built}
MAINTAINER somebody
RUN echo child > /child
RUN busybox rm /bin/ls /bin/busybox
USER 7
`;

/** An engine's own client. */
export interface EngineClient {
  /** @returns the output of the command */
  readonly client: (...args: string[]) => Promise<string>;
  readonly buildOptions: readonly string[];
  readonly commitOptions: readonly string[];
}

/**
 * Makes an engine load, import, build, tag and commit the images of `LAYERED`.
 *
 * @param folder a temporary one
 */
export async function makeLayeredImages(
  { client, buildOptions, commitOptions }: EngineClient,
  folder: string,
): Promise<void> {
  const build = async (dockerfile: string, tag: string) => {
    await writeFile(`${folder}/context/Dockerfile`, dockerfile);
    await client('build', '-q', ...buildOptions, '-t', tag, `${folder}/context`);
  };
  await mkdir(`${folder}/context`);
  await writeFile(`${folder}/context/again.tar`, await archiveOf({ again: 'the same bytes, at the same time' }));
  await writeBaseLayer(`${folder}/base.tar`);
  await client('load', '-i', FIXTURE);
  await client('import', '-m', 'a base', `${folder}/base.tar`, LAYERED.imported);
  await build(BUILT, LAYERED.built);
  let middle: string = LAYERED.built;
  for (let i = 0; i < AFTER_MIDDLE; i++) middle = await client('image', 'inspect', '--format', '{{.Parent}}', middle);
  for (const tag of LAYERED.middle) await client('tag', middle, tag);
  await build(CHILD, LAYERED.child);
  const container = await client('create', LAYERED.child, '/bin/sh');
  await client('cp', `${folder}/context/again.tar`, `${container}:/opt/copied`);
  await client('commit', ...commitOptions, '-m', 'a note', container, LAYERED.committed);
  await client('rm', container);
}

async function writeBaseLayer(path: string): Promise<void> {
  const { stdout } = await runCommand('tar', ['-xOf', FIXTURE, 'manifest.json']);
  const [{ Layers }] = JSON.parse(stdout.toString());
  await runCommand('bash', ['-c', 'tar -xOf "$1" "$2" > "$3"', 'bash', FIXTURE, Layers[0], path]);
}
