import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerClient } from './docker-client.js';
import { listVfsImage } from './docker-vfs.js';
import type { EngineClient } from './layered-images.js';
import { listImage } from './overlay-mount.js';
import { startPodmanEngine } from './podman-engine.js';
import { removeTree } from './remove-tree.js';
import { runCommand } from './run-command.js';
import type { Surroundings } from './run-dimgx.js';
import { startSshServer } from './ssh-server.js';
import { startTlsDockerEngine, tlsEnvironment } from './tls-docker-engine.js';
import { listTree, type Tree } from './tree.js';
import { type Ignore, timesLeftOpen } from './tree-differences.js';

/** A way for a user to point dimgx at an engine. */
export interface Way extends Surroundings {
  readonly args?: readonly string[];
}

/** A running engine, with a client and the ways to reach it. */
export interface LayeredEngine<Name extends string> extends EngineClient {
  /** Docker's client, which works with both engines. */
  readonly docker: DockerClient;
  /** The tree of an image, as a container of this engine would see it. */
  readonly list: (image: string) => Promise<Tree>;
  /** The known differences between this tree and those of other engines. */
  readonly ignore: Ignore;
  readonly ways: Readonly<Record<Name, Way>>;
  readonly stop: () => Promise<unknown>;
}

export interface LayeredEngineStart {
  readonly name: string;
  /** Names of the ways. */
  readonly ways: readonly string[];
  /** Programs. */
  readonly needs: readonly string[];
  /** @param host of the engine that the tests share */
  readonly start: (host: string) => Promise<LayeredEngine<string>>;
}

const OVERLAY2_WAYS = ['--host', 'ssh', 'the place where Docker has its socket'] as const;

async function overlay2Engine(host: string): Promise<LayeredEngine<(typeof OVERLAY2_WAYS)[number]>> {
  const docker = new DockerClient(host);
  const home = await mkdtemp(join(tmpdir(), 'dimgx-home-'));
  const server = await startSshServer(host);
  const path = await server.clientPath({});
  const env = environment(home);
  return {
    docker,
    ...dockerClient(docker),
    list: (image) => listImage(docker, image, home),
    ignore: timesLeftOpen(),
    ways: {
      '--host': { env, args: ['--host', host] },
      ssh: { env: { ...env, DOCKER_HOST: `ssh://${server.user}@127.0.0.1:${server.port}`, PATH: path } },
      'the place where Docker has its socket': { env, under: atPlace(host, '/run/docker.sock') },
    },
    stop: async () => {
      await server.stop();
      await removeTree(home);
    },
  };
}

const VFS_WAYS = ['DOCKER_HOST', 'TLS, by DOCKER_CERT_PATH', 'TLS, by a context'] as const;

async function vfsEngine(): Promise<LayeredEngine<(typeof VFS_WAYS)[number]>> {
  const engine = await startTlsDockerEngine('vfs');
  const { socketHost, host, port, data } = engine;
  const docker = new DockerClient(socketHost);
  const home = await mkdtemp(join(tmpdir(), 'dimgx-home-'));
  const env = environment(home);
  const { client } = engine.certificates;
  const endpoint = `host=${host},ca=${client}/ca.pem,cert=${client}/cert.pem,key=${client}/key.pem`;
  const config = { DOCKER_CONFIG: join(home, 'config'), DOCKER_HOST: '' };
  await runCommand('docker', ['context', 'create', 'secure', '--docker', endpoint], { env: config });
  await runCommand('docker', ['context', 'use', 'secure'], { env: config });
  return {
    docker,
    ...dockerClient(docker),
    list: (image) => listVfsImage(docker, image, data),
    ignore: (path, field, entry) => timesLeftOpen()(path, field, entry) || isLostByVfs(path, field, entry),
    ways: {
      DOCKER_HOST: { env: { ...env, DOCKER_HOST: socketHost } },
      'TLS, by DOCKER_CERT_PATH': { env: { ...env, ...tlsEnvironment(port, client) } },
      'TLS, by a context': { env: { ...env, ...config } },
    },
    stop: async () => {
      await engine.stop();
      await removeTree(home);
    },
  };
}

const PODMAN_WAYS = ['DOCKER_HOST', 'CONTAINER_HOST', 'the place where Podman has its socket', 'TCP'] as const;

async function podmanEngine(): Promise<LayeredEngine<(typeof PODMAN_WAYS)[number]>> {
  const engine = await startPodmanEngine();
  const service = await engine.listen();
  const docker = new DockerClient(engine.host);
  const home = await mkdtemp(join(tmpdir(), 'dimgx-home-'));
  const env = environment(home);
  const { host } = engine;
  return {
    docker,
    client: (...args) => engine.run(...args),
    buildOptions: ['--isolation=chroot', '--network=host', '--layers'],
    commitOptions: ['--format=docker'], // the other format has no messages
    list: async (image) => await listTree(await engine.run('image', 'mount', image)),
    // The root has the mode of Podman's folder, whatever the layers say.
    ignore: (path, field, entry) => timesLeftOpen()(path, field, entry) || (path === '.' && field === 'mode'),
    ways: {
      DOCKER_HOST: { env: { ...env, DOCKER_HOST: host } },
      CONTAINER_HOST: { env: { ...env, CONTAINER_HOST: host }, under: atPlace(host, '/run/nowhere') },
      'the place where Podman has its socket': { env, under: atPlace(host, '/run/podman/podman.sock') },
      TCP: { env, args: ['--host', service.host] },
    },
    stop: async () => {
      await service.stop();
      await engine.stop();
      await removeTree(home);
    },
  };
}

/** Each engine, and the ways to reach it. */
export const LAYERED_ENGINES: readonly LayeredEngineStart[] = [
  {
    name: 'Docker with overlay2',
    ways: OVERLAY2_WAYS,
    needs: ['sshd', 'ssh', 'ssh-keygen', 'unshare'],
    start: overlay2Engine,
  },
  { name: 'Docker with vfs', ways: VFS_WAYS, needs: ['openssl'], start: vfsEngine },
  { name: 'Podman', ways: PODMAN_WAYS, needs: ['unshare'], start: podmanEngine },
];

/**
 * When vfs copies a tree from layer to layer, it keeps no attributes except capabilities. Source: moby,
 * daemon/graphdriver/copy/copy.go.
 */
const isLostByVfs: Ignore = (_path, field, { xattrs }) => field === 'xattrs' && xattrs === '';

function dockerClient(docker: DockerClient): EngineClient {
  return { client: (...args) => docker.run(...args), buildOptions: ['--network=host'], commitOptions: [] };
}

/** The environment of a user who has set nothing. */
function environment(home: string): Readonly<Record<string, string | undefined>> {
  return { PATH: process.env.PATH, HOME: home };
}

/** Runs a command with a /run that contains only a link to one engine's socket, whatever engines the machine has. */
function atPlace(host: string, place: string): readonly string[] {
  const script = `mount -t tmpfs dimgx-test /run && mkdir -p "$(dirname "$2")" && ln -s "$1" "$2" && shift 2 && exec "$@"`;
  return ['unshare', '-m', 'sh', '-c', script, 'sh', host.replace('unix://', ''), place];
}
