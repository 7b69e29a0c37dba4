import { whyNoBtrfs } from './btrfs-disk.js';
import { type Containerd, startContainerd } from './containerd.js';
import { DockerClient } from './docker-client.js';
import { CAN_REMAP, type DockerEngine, startDockerEngine, startRemappedEngine } from './docker-engine.js';
import { Podman } from './podman.js';

/** An engine of our own that keeps images. */
export interface OpenStore {
  /** Its storage. */
  readonly root: string;
  /** Loads an archive with one image or several. @throws if one is refused: those before it may have been loaded */
  load(archive: string): Promise<unknown>;
  /** Names of the images that it has, in their short form. */
  names(): Promise<readonly string[]>;
  /** How dimgx opens an image from the storage. */
  reference(name: string): string;
  /** Ends the engine, and leaves its storage. */
  end(): Promise<void>;
  /** Ends the engine, and removes everything. */
  stop(): Promise<void>;
}

export interface ImageStore {
  readonly name: string;
  /** Why it cannot be started here, as a suffix for a test's name; empty if it can. */
  readonly whyNot: string;
  /** Whether the images of the conformance table are loaded into such a store anyway, to compare their trees. */
  readonly isJudge: boolean;
  readonly start: () => Promise<OpenStore>;
}

const NAMES = '{{.Repository}}:{{.Tag}}';

async function docker(starting: Promise<DockerEngine>): Promise<OpenStore> {
  const engine = await starting;
  const client = new DockerClient(engine.host);
  return {
    root: engine.data,
    load: (archive) => client.run('load', '-i', archive),
    names: async () => (await client.run('images', '--format', NAMES)).split('\n'),
    reference: (name) => `docker-root:${engine.data}:${name}`,
    end: () => engine.end(),
    stop: () => engine.stop(),
  };
}

async function podman(driver: 'overlay' | 'vfs'): Promise<OpenStore> {
  const engine = await Podman.start(driver);
  const short = (name: string) => name.replace('localhost/', '');
  return {
    root: engine.root,
    load: (archive) => engine.run('load', '-i', archive),
    names: async () => (await engine.run('images', '--format', NAMES)).split('\n').map(short),
    reference: (name) => `containers-storage:[${driver}@${engine.root}]${name}`,
    end: async () => {}, // no process is left
    stop: () => engine.stop(),
  };
}

/** It unpacks nothing: dimgx reads its blobs. */
async function containerd(): Promise<OpenStore> {
  const engine: Containerd = await startContainerd();
  return {
    root: engine.root,
    load: (archive) => engine.ctr('images', 'import', '--no-unpack', archive),
    names: async () =>
      (await engine.ctr('images', 'ls', '-q')).split('\n').map((name) => name.replace('docker.io/', '')),
    reference: (name) => `containerd-root:${engine.root}:docker.io/${name}`,
    end: () => engine.end(),
    stop: () => engine.stop(),
  };
}

/** Every kind of storage that dimgx reads images from, and the engines here have. */
export const IMAGE_STORES: readonly ImageStore[] = [
  { name: 'Docker overlay2', isJudge: true, whyNot: '', start: () => docker(startDockerEngine('overlay2')) },
  { name: 'Docker vfs', isJudge: true, whyNot: '', start: () => docker(startDockerEngine('vfs')) },
  { name: 'Docker btrfs', isJudge: false, whyNot: whyNoBtrfs(), start: () => docker(startDockerEngine('btrfs')) },
  {
    name: 'Docker with user namespaces',
    isJudge: false,
    whyNot: CAN_REMAP ? '' : ' (needs a user of its own)',
    start: () => docker(startRemappedEngine()),
  },
  { name: 'Podman overlay', isJudge: true, whyNot: '', start: () => podman('overlay') },
  { name: 'Podman vfs', isJudge: false, whyNot: '', start: () => podman('vfs') },
  { name: 'containerd', isJudge: false, whyNot: '', start: containerd },
];
