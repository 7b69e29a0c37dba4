import type { NamedOwner } from '../../../image/path-owner.js';
import type { Digest } from '../../../reference/digest.js';
import { chooseOne } from '../choose-one.js';
import type { BareOwner, BlobInventory, FoundLeftover } from '../inventory/inventory.js';
import { after } from '../inventory/path-after.js';
import { isStoreId } from '../store.js';
import type { StoreFiles } from '../store-files.js';
import type { ImageParts } from './image-parts.js';

/** Who may use the blobs of containerd. */
export interface BlobUsers {
  /** The folder with the blobs and the downloads, below that of the store. */
  readonly content: string;
  readonly images: readonly { readonly owner: NamedOwner; readonly parts: ImageParts }[];
  /** Blobs that something else holds: a lease, or a label. */
  readonly held: ReadonlySet<Digest>;
}

/** The blobs of containerd, and its downloads. Source: containerd, plugins/content/local/store.go. */
export function blobInventory(files: StoreFiles, { content, images, held }: BlobUsers): BlobInventory {
  const [blobs, downloads] = [`${content}/blobs/sha256`, `${content}/ingest`];
  const names = () => files.names(blobs).filter(isStoreId);
  const started = () => files.names(downloads).filter(isStoreId);
  const blobOwner = (hex: string): BareOwner | undefined => {
    const digest: Digest = `sha256:${hex}`;
    const owners = images.flatMap(({ owner, parts }) => {
      const part = parts.blobs.get(digest);
      return part ? [{ ...owner, ...part }] : [];
    });
    const isThere = owners.length > 0 || names().includes(hex);
    return isThere ? { kind: 'blob', id: hex, images: owners, containers: [], isHeld: held.has(digest) } : undefined;
  };
  const downloadOwner = (id: string): BareOwner | undefined => {
    return started().includes(id) ? { kind: 'unfinished download', id, images: [], containers: [] } : undefined;
  };
  return {
    owner: (text) => {
      const blob = after(text, blobs);
      if (blob !== undefined) return isStoreId(blob) ? blobOwner(blob) : undefined;
      const [download = ''] = after(text, downloads)?.split('/') ?? [];
      return downloadOwner(download);
    },
    byId: (start) => {
      const readings = [(id: string) => start !== '' && id.startsWith(start)];
      const id = isStoreId(start) ? start : chooseOne([...names(), ...started()], readings, start, 'blobs');
      return id === undefined ? undefined : (blobOwner(id) ?? downloadOwner(id));
    },
    leftovers: () => {
      const used = new Set<string>(held);
      for (const { parts } of images) for (const digest of parts.blobs.keys()) used.add(digest);
      const unused = names().filter((hex) => !used.has(`sha256:${hex}`));
      return [
        ...unused.map((id): FoundLeftover => {
          const path = `${blobs}/${id}`;
          return { kind: 'unused blob', id, path, file: path };
        }),
        ...started().map((id): FoundLeftover => {
          const path = `${downloads}/${id}`;
          return { kind: 'unfinished download', id, path, file: `${path}/data` };
        }),
      ];
    },
  };
}
