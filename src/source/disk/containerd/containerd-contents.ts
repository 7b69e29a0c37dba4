import type { Container } from '../../../image/container.js';
import type { NamedOwner } from '../../../image/path-owner.js';
import { type Digest, hexOf, isDigest } from '../../../reference/digest.js';
import type { BlobInventory, Inventory, StoreContents } from '../inventory/inventory.js';
import type { StoreFiles } from '../store-files.js';
import { blobInventory } from './blob-inventory.js';
import { BLOBS_OF_CONTAINERD, CONTENT_OF_CONTAINERD } from './containerd-blobs.js';
import { shownNames } from './containerd-form.js';
import { containerdInventory } from './containerd-inventory.js';
import type { ContainerdName } from './containerd-meta.js';
import type { ContainerdRecord } from './containerd-records.js';
import type { NamespaceReferences, References } from './containerd-references.js';
import { SNAPSHOTTERS } from './containerd-snapshots.js';
import { type ImageParts, PartReader } from './image-parts.js';

/** What the databases of containerd say. */
interface ContainerdSays {
  /** The folder of containerd below that of the store: empty, or with a slash at its end. */
  readonly top: string;
  /** The names of all namespaces. One whose namespace is empty may be in any. */
  readonly names: readonly ContainerdName[];
  readonly containers: readonly ContainerdRecord[];
  readonly references: readonly NamespaceReferences[];
  /** Whether names of a namespace are shown with it. */
  isNamespaceShown(namespace: string): boolean;
}

/** An image in a namespace. */
interface OwnedImage {
  readonly owner: NamedOwner;
  readonly namespace: string;
  readonly parts: ImageParts;
}

/** What is in the storage of containerd, and whom it belongs to. Nothing is read before it is asked for. */
export class ContainerdContents implements StoreContents {
  readonly #files: StoreFiles;
  readonly #says: ContainerdSays;
  #known: { readonly inventories: readonly Inventory[]; readonly blobs: BlobInventory } | undefined;

  constructor(files: StoreFiles, says: ContainerdSays) {
    this.#files = files;
    this.#says = says;
  }

  /** Their documents are blobs. */
  images(): readonly [] {
    return [];
  }

  containers(): readonly { readonly container: Container }[] {
    return this.#says.containers.filter(({ isLost }) => !isLost);
  }

  /** @throws as `snapshotRecords`, `PartReader.partsOf` */
  inventories(): readonly Inventory[] {
    return this.#all().inventories;
  }

  /** @throws as `inventories` */
  get blobs(): BlobInventory {
    return this.#all().blobs;
  }

  #all() {
    this.#known ??= this.#read();
    return this.#known;
  }

  #read() {
    const { top, containers, references, isNamespaceShown } = this.#says;
    const images = this.#images();
    const parts = new Set(images.flatMap((image) => [...image.parts.blobs.keys()]));
    const kept = references.map((each) => keptIn(each, images));
    const snapshots = new Map(kept.map((each) => [each.namespace, each.snapshots]));
    const held = new Set(kept.flatMap(({ blobs }) => [...blobs]).filter((digest) => !parts.has(digest)));
    const users = {
      ...{ top, images, containers, isNamespaceShown },
      isHeld: ({ namespace, snapshotter, key }: ContainerdRecord['snapshot']) =>
        snapshots.get(namespace)?.has(`${snapshotter}/${key}`) ?? false,
    };
    return {
      inventories: SNAPSHOTTERS.map((snapshotter) => containerdInventory(this.#files, snapshotter, users)),
      blobs: blobInventory(this.#files, { content: `${top}${CONTENT_OF_CONTAINERD}`, images, held }),
    };
  }

  #images(): readonly OwnedImage[] {
    const { top, names, isNamespaceShown } = this.#says;
    const reader = new PartReader(this.#files, `${top}${BLOBS_OF_CONTAINERD}/sha256`);
    const byTarget = new Map<string, ContainerdName[]>();
    for (const name of names) {
      const key = `${name.namespace}/${name.target.digest}`;
      const known = byTarget.get(key);
      if (known) known.push(name);
      else byTarget.set(key, [name]);
    }
    const known = new Map<Digest, ImageParts>();
    return [...byTarget.values()].flatMap((entries): readonly OwnedImage[] => {
      const [{ namespace, target }] = entries as [ContainerdName, ...ContainerdName[]];
      const { digest } = target;
      if (!isDigest(digest)) return [];
      const parts = known.get(digest) ?? reader.partsOf(digest);
      known.set(digest, parts);
      const isShown = namespace !== '' && isNamespaceShown(namespace);
      const owner = { id: hexOf(digest), names: shownNames(entries, isShown), ...(isShown && { namespace }) };
      return [{ owner, namespace, parts }];
    });
  }
}

interface Kept {
  readonly namespace: string;
  readonly blobs: ReadonlySet<Digest>;
  /** `SNAPSHOTTER/KEY`. */
  readonly snapshots: ReadonlySet<string>;
}

/** What containerd keeps in a namespace: what images consist of, what is held, and what either refers to. */
function keptIn({ namespace, ofBlobs, held }: NamespaceReferences, images: readonly OwnedImage[]): Kept {
  const own = images.filter((image) => image.namespace === namespace);
  const blobs = new Set<Digest>();
  const snapshots = new Set<string>();
  const pending: Digest[] = [];
  const add = (found: References) => {
    for (const digest of found.blobs) {
      if (!blobs.has(digest)) pending.push(digest);
      blobs.add(digest);
    }
    for (const snapshot of found.snapshots) snapshots.add(snapshot);
  };
  add(held);
  for (const { parts } of own) add({ blobs: [...parts.blobs.keys()], snapshots: [] });
  for (let digest = pending.pop(); digest !== undefined; digest = pending.pop()) {
    add(ofBlobs.get(digest) ?? { blobs: [], snapshots: [] });
  }
  return { namespace, blobs, snapshots };
}
