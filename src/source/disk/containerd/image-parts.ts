import { isObject } from '../../../base/text/go-json.js';
import { DimgxError } from '../../../errors.js';
import type { NamedOwner } from '../../../image/path-owner.js';
import { type Digest, hexOf, isDigest } from '../../../reference/digest.js';
import { chainIdsIn } from '../chain-ids.js';
import { shownJson } from '../shown-json.js';
import type { StoreFiles } from '../store-files.js';

/** Which part of an image a blob is; of a layer also its number, counted from 1 for the base. */
export type PartOfImage = Required<Pick<NamedOwner, 'part'>> & Pick<NamedOwner, 'layer'>;

/** What an image is made of: the blobs that its documents name, whether they are there or not. */
export interface ImageParts {
  readonly blobs: ReadonlyMap<Digest, PartOfImage>;
  /** The chain IDs of its layers, with their numbers. */
  readonly chains: ReadonlyMap<Digest, number>;
}

/** Most parts of all images together. A host has thousands. */
const MAX_PARTS = 500_000;

/** What a document names. */
interface Named {
  readonly isIndex: boolean;
  /** Named by an index. */
  readonly manifests: readonly Digest[];
  /** Named by a manifest, as are the layers. */
  readonly config: Digest | undefined;
  readonly layers: readonly Digest[];
  /** The chain IDs of the layers that a config names. */
  readonly chains: readonly Digest[];
}

/** Reads what images are made of, each document once. Documents are only looked at: they are not verified. */
export class PartReader {
  readonly #files: StoreFiles;
  readonly #blobs: string;
  readonly #known = new Map<Digest, Named | undefined>();
  #left = MAX_PARTS;

  /** @param blobs the folder of blobs, which are named by their SHA-256 */
  constructor(files: StoreFiles, blobs: string) {
    this.#files = files;
    this.#blobs = blobs;
  }

  /** @param target an index or a manifest @throws DIMGX_IMAGE_DOCUMENT_TOO_LARGE */
  partsOf(target: Digest): ImageParts {
    const blobs = new Map<Digest, PartOfImage>();
    const chains = new Map<Digest, number>();
    const pending = [target];
    for (let digest = pending.pop(); digest !== undefined; digest = pending.pop()) {
      if (blobs.has(digest)) continue;
      const document = this.#named(digest);
      // Containerd pulls one platform of an index.
      if (!document && digest !== target) continue;
      const { isIndex = false, manifests = [], config, layers = [] } = document ?? {};
      this.#spend(1 + manifests.length + layers.length);
      blobs.set(digest, { part: isIndex ? 'index' : 'manifest' });
      pending.push(...manifests);
      for (const [i, layer] of layers.entries()) blobs.set(layer, { part: 'layer', layer: i + 1 });
      if (config === undefined) continue;
      blobs.set(config, { part: 'config' });
      const chain = this.#named(config)?.chains ?? [];
      this.#spend(chain.length);
      for (const [i, chainId] of chain.entries()) chains.set(chainId, i + 1);
    }
    return { blobs, chains };
  }

  #named(digest: Digest): Named | undefined {
    if (!this.#known.has(digest)) this.#known.set(digest, this.#read(digest));
    return this.#known.get(digest);
  }

  #read(digest: Digest): Named | undefined {
    const isThere = digest.startsWith('sha256:');
    const document = isThere ? shownJson(this.#files, `${this.#blobs}/${hexOf(digest)}`) : undefined;
    if (!isObject(document)) return undefined;
    const isIndex = Array.isArray(document.manifests);
    const named = {
      isIndex,
      manifests: isIndex ? digestsIn(document.manifests) : [],
      config: isIndex ? undefined : digestsIn([document.config])[0],
      layers: isIndex ? [] : digestsIn(document.layers),
      chains: chainIdsIn(document),
    };
    this.#spend(named.manifests.length + named.layers.length + named.chains.length);
    return named;
  }

  #spend(parts: number): void {
    this.#left -= parts;
    if (this.#left >= 0) return;
    const message = `the images of ${this.#files.location} have more than ${MAX_PARTS} parts: the storage is refused`;
    throw new DimgxError('DIMGX_IMAGE_DOCUMENT_TOO_LARGE', message);
  }
}

/** The digests of descriptors; what is malformed names nothing. */
function digestsIn(descriptors: unknown): readonly Digest[] {
  const all: readonly unknown[] = Array.isArray(descriptors) ? descriptors : [];
  return all.flatMap((each) => {
    const digest = isObject(each) ? each.digest : undefined;
    return typeof digest === 'string' && isDigest(digest) ? [digest] : [];
  });
}
