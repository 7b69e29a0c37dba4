import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type BoltTree, boltFile, varint } from './bolt-file.js';
import { temporaryFolder } from './members.js';
import { type Descriptor, OciLayout } from './oci-layout.js';

/** The folder of containerd under construction, in a folder that is removed when the test is over. */
export class ContainerdStore extends OciLayout {
  readonly #images: Record<string, Record<string, BoltTree>> = {};
  readonly #labels: Record<string, Record<string, BoltTree>> = {};

  /** Names a manifest or an index. */
  name(namespace: string, name: string, { digest, mediaType, size }: Descriptor): void {
    const target = { digest, mediatype: mediaType, size: varint(size) };
    this.#images[namespace] = { ...this.#images[namespace], [name]: { target, createdat: Buffer.alloc(15) } };
  }

  label(namespace: string, digest: string, labels: Readonly<Record<string, string>>): void {
    this.#labels[namespace] = { ...this.#labels[namespace], [digest]: { labels } };
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
    const namespaces = Object.entries(this.#images).map(([namespace, images]): [string, BoltTree] => [
      namespace,
      { images, content: { blob: this.#labels[namespace] ?? {} }, labels: {} },
    ]);
    const database = join(folder, 'io.containerd.metadata.v1.bolt/meta.db');
    mkdirSync(dirname(database), { recursive: true });
    writeFileSync(database, boltFile({ v1: { ...Object.fromEntries(namespaces), version: varint(3) } }));
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
