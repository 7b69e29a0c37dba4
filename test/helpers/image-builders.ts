import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { DockerClient } from './docker-client.js';
import { whyNotHere } from './engines.js';
import { type PodmanEngine, startPodmanEngine } from './podman-engine.js';
import { runCommand } from './run-command.js';

/** Debian's client has BuildKit in it. Newer ones need a plugin, and may come first on the path. */
const CLIENT = '/usr/bin/docker';

const BASE = 'fixtures/busybox-docker.tar';

/** The image that Dockerfiles begin with. */
export const BASE_NAME = 'dimgx/busybox:docker';

/** A step as a builder's own `history` tells it. */
export interface ToldStep {
  readonly createdBy: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** Sum of the sizes of the files in its layer, if the builder tells it. */
  readonly bytes?: number;
  /** Whether it made a layer, if the builder tells it. */
  readonly hasLayer?: boolean;
}

/** An image that a real builder has built. */
export interface Built {
  /** How dimgx reads it, by kind: from an archive, a layout, an engine or its storage. */
  readonly references: Readonly<Record<ReferenceKind, readonly string[]>>;
  /** The steps, oldest first. */
  readonly history: () => Promise<readonly ToldStep[]>;
  readonly stop: () => Promise<void>;
}

export const REFERENCE_KINDS = ['archive', 'layout', 'engine', 'storage'] as const;
export type ReferenceKind = (typeof REFERENCE_KINDS)[number];

export interface ImageBuilder {
  readonly name: string;
  /** Why it cannot be used here, as a suffix for a test's name; empty if it can. */
  readonly whyNot: string;
  /**
   * Builds with one layer for each `RUN`.
   *
   * @param context a folder with a Dockerfile
   * @param folder for an archive and a layout
   */
  readonly build: (context: string, folder: string) => Promise<Built>;
}

const NAME = 'dimgx/built:1';

async function withDocker(buildKit: '0' | '1', context: string, folder: string): Promise<Built> {
  const host = inject('dockerHost');
  const docker = new DockerClient(host);
  await docker.load(BASE);
  const env = { DOCKER_HOST: host, DOCKER_BUILDKIT: buildKit };
  await runCommand(CLIENT, ['build', '--network=host', '-t', NAME, context], { env });
  const archive = join(folder, 'saved.tar');
  await docker.run('save', '-o', archive, NAME);
  await copyTo(`docker-archive:${archive}`, `oci:${folder}/layout:1`);
  const data = await docker.run('info', '--format', '{{.DockerRootDir}}');
  return {
    references: {
      archive: [archive],
      layout: [`oci:${folder}/layout:1`],
      engine: ['--host', host, `docker-daemon:${NAME}`],
      storage: [`docker-root:${data}:${NAME}`],
    },
    history: async () => {
      const told = await docker.run('history', '--no-trunc', '--human=false', '--format={{json .}}', NAME);
      const steps = told.split('\n').map((line) => JSON.parse(line));
      return steps.reverse().map(({ CreatedBy, CreatedAt, Size }) => ({
        createdBy: CreatedBy,
        created: secondsOf(CreatedAt),
        bytes: Number(Size),
      }));
    },
    stop: async () => {
      await docker.run('rmi', '-f', NAME);
    },
  };
}

/** Builds with options that say where the images are, and those of the build. */
type PodmanBuild = (places: readonly string[], options: readonly string[], engine: PodmanEngine) => Promise<unknown>;

async function withPodman(build: PodmanBuild, context: string, folder: string): Promise<Built> {
  const engine = await startPodmanEngine();
  try {
    return await builtIn(engine, build, context, folder);
  } catch (failure) {
    await engine.stop();
    throw failure;
  }
}

async function builtIn(engine: PodmanEngine, build: PodmanBuild, context: string, folder: string): Promise<Built> {
  await engine.run('load', '-q', '-i', BASE);
  const told = await engine.run(
    'info',
    '--format',
    '{{.Store.GraphRoot}} {{.Store.RunRoot}} {{.Store.GraphDriverName}}',
  );
  const [root = '', runRoot = '', driver = ''] = told.split(' ');
  const places = ['--root', root, '--runroot', runRoot, '--storage-driver', driver];
  await build(places, ['--network=host', '--isolation=chroot', '--layers', '-t', NAME, context], engine);
  await engine.run('save', '-q', '--format=docker-archive', '-o', `${folder}/saved.tar`, NAME);
  await engine.run('push', '-q', NAME, `oci:${folder}/layout:1`);
  return {
    references: {
      archive: [`${folder}/saved.tar`],
      layout: [`oci:${folder}/layout:1`],
      engine: ['--host', engine.host, `docker-daemon:localhost/${NAME}`],
      storage: [`containers-storage:[${driver}@${root}]localhost/${NAME}`],
    },
    history: async () => {
      const steps = JSON.parse(await engine.run('history', '--no-trunc', '--format=json', NAME));
      return steps.reverse().map((step: Readonly<Record<string, string>>) => ({
        createdBy: step.CreatedBy ?? '',
        created: secondsOf(step.created ?? ''),
        hasLayer: Number(step.size) > 0, // the size of its tar
      }));
    },
    stop: () => engine.stop(),
  };
}

/** Every builder here, as a user would start it. */
export const IMAGE_BUILDERS: readonly ImageBuilder[] = [
  {
    name: "Docker's classic builder",
    whyNot: whyNoClient(),
    build: (context, folder) => withDocker('0', context, folder),
  },
  { name: 'BuildKit', whyNot: whyNoClient(), build: (context, folder) => withDocker('1', context, folder) },
  {
    name: 'Podman',
    whyNot: '',
    build: (context, folder) =>
      withPodman((_, options, engine) => engine.run('build', '--format=docker', ...options), context, folder),
  },
  {
    name: 'buildah',
    whyNot: whyNotHere('buildah'),
    build: (context, folder) =>
      withPodman((places, options) => runCommand('buildah', [...places, 'build', ...options]), context, folder),
  },
];

function whyNoClient(): string {
  return existsSync(CLIENT) ? '' : ` (this machine lacks ${CLIENT})`;
}

function secondsOf(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}

async function copyTo(from: string, to: string): Promise<void> {
  await runCommand('skopeo', ['--insecure-policy', 'copy', '--quiet', from, to]);
}
