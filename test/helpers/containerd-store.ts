import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type BoltTree, boltFile, varint } from './bolt-file.js';
import { temporaryFolder } from './members.js';
import { type Descriptor, OciLayout } from './oci-layout.js';

/** The buckets of a namespace, by their names; those of blobs and of snapshots are inside of others. */
type Namespace = Record<'images' | 'blob' | 'containers' | 'leases' | Snapshotter, Record<string, BoltTree>>;

type Snapshotter = 'overlayfs' | 'native';

interface ContainerFields {
  readonly image?: string;
  /** Default: its ID. */
  readonly key?: string;
  readonly snapshotter?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** An OCI runtime spec. */
  readonly spec?: unknown;
}

interface SnapshotFields {
  /** Name of its folder. */
  readonly id: number;
  /** The key of the snapshot below. */
  readonly parent?: string;
  /** Default: `active`. */
  readonly kind?: 'active' | 'committed';
  /** Default: `overlayfs`. */
  readonly snapshotter?: Snapshotter;
  readonly labels?: Readonly<Record<string, string>>;
}

interface LeaseFields {
  readonly blobs?: readonly string[];
  readonly snapshots?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** The folder of containerd under construction, in a folder that is removed when the test is over. */
export class ContainerdStore extends OciLayout {
  readonly #namespaces: Record<string, Namespace> = {};
  readonly #snapshots: Record<Snapshotter, Record<string, BoltTree>> = { overlayfs: {}, native: {} };

  /** Names a manifest or an index. */
  name(namespace: string, name: string, { digest, mediaType, size }: Descriptor): void {
    const target = { digest, mediatype: mediaType, size: varint(size) };
    this.#in(namespace).images[name] = { target, createdat: Buffer.alloc(15) };
  }

  /** Labels a blob. */
  label(namespace: string, digest: string, labels: Readonly<Record<string, string>>): void {
    this.#in(namespace).blob[digest] = { labels };
  }

  container(namespace: string, id: string, fields: ContainerFields): void {
    const { image = '', key = id, snapshotter = 'overlayfs', labels = {}, spec = {} } = fields;
    const json = Buffer.from(JSON.stringify(spec));
    const type = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';
    // The lengths of a protobuf are as unsigned numbers.
    const length = Buffer.from([(json.length & 0x7f) | 0x80, json.length >> 7]);
    const any = Buffer.concat([Buffer.from([0x0a, type.length]), Buffer.from(type), Buffer.from([0x12]), length, json]);
    const createdat = Buffer.from('010000000ee29d8850142ed5e0ffff', 'hex');
    this.#in(namespace).containers[id] = { image, snapshotter, snapshotKey: key, labels, spec: any, createdat };
  }

  snapshot(namespace: string, key: string, fields: SnapshotFields): void {
    const { id, parent, kind = 'active', labels = {}, snapshotter = 'overlayfs' } = fields;
    const nameOf = (each: string) => `${namespace}/${each.length}/${each}`;
    this.#in(namespace)[snapshotter][key] = { name: nameOf(key), parent: parent ?? '', labels };
    const below = parent === undefined ? {} : { parent: nameOf(parent) };
    this.#snapshots[snapshotter][nameOf(key)] = {
      id: Buffer.from([id]),
      kind: Buffer.from([kind === 'active' ? 2 : 3]),
      ...below,
      labels,
    };
  }

  /** What a client holds: blobs by their digests, and snapshots of overlayfs by their keys. */
  lease(namespace: string, id: string, { blobs = [], snapshots = [], labels = {} }: LeaseFields): void {
    const keysOf = (keys: readonly string[]): BoltTree => Object.fromEntries(keys.map((key) => [key, '']));
    const held = { content: keysOf(blobs), snapshots: { overlayfs: keysOf(snapshots) } };
    this.#in(namespace).leases[id] = { labels, ...held };
  }

  #in(namespace: string): Namespace {
    this.#namespaces[namespace] ??= { images: {}, blob: {}, containers: {}, leases: {}, overlayfs: {}, native: {} };
    return this.#namespaces[namespace];
  }

  /** @param into the folder; default: a new one */
  async write(into?: string): Promise<WrittenContainerd> {
    const folder = into ?? (await temporaryFolder());
    const content = join(folder, 'io.containerd.content.v1.content');
    for (const [name, bytes] of Object.entries(this.members)) {
      if (!name.startsWith('blobs/')) continue;
      mkdirSync(dirname(join(content, name)), { recursive: true });
      writeFileSync(join(content, name), bytes as Uint8Array);
    }
    const namespaces = Object.entries(this.#namespaces).map(
      ([namespace, { images, blob, containers, leases, overlayfs, native }]): [string, BoltTree] => [
        namespace,
        { images, content: { blob }, containers, leases, snapshots: { overlayfs, native }, labels: {} },
      ],
    );
    const database = join(folder, 'io.containerd.metadata.v1.bolt/meta.db');
    mkdirSync(dirname(database), { recursive: true });
    writeFileSync(database, boltFile({ v1: { ...Object.fromEntries(namespaces), version: varint(3) } }));
    for (const [name, snapshots] of Object.entries(this.#snapshots)) {
      const snapshotter = join(folder, `io.containerd.snapshotter.v1.${name}`);
      mkdirSync(snapshotter, { recursive: true });
      writeFileSync(join(snapshotter, 'metadata.db'), boltFile({ v1: { snapshots } }));
    }
    const blob = (digest: string) => join(content, 'blobs', digest.replace(':', '/'));
    return { folder, database, blob, discard: (digest) => rmSync(blob(digest)) };
  }
}

interface WrittenContainerd {
  readonly folder: string;
  /** Path of the database of names. */
  readonly database: string;
  /** Path of a blob. */
  blob(digest: string): string;
  /** Removes a blob. */
  discard(digest: string): void;
}
