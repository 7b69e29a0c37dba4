import * as v from 'valibot';
import { MAX_DOCUMENT } from '../../../base/limits.js';
import { isObject, tryParseJson } from '../../../base/text/go-json.js';
import { DimgxError } from '../../../errors.js';
import { realNames } from '../../../image/choose/choose-image.js';
import { type Descriptor, INDEX_TYPES, IndexSchema, MANIFEST_TYPES } from '../../../image/manifest.js';
import { isDigest } from '../../../reference/digest.js';
import { cleanName, digestOfName, type Files, type OpenFile } from '../../files/files.js';
import type { StoreFiles } from '../store-files.js';

/** Below the folder of containerd. Source: containerd, content/local/store.go. */
export const CONTENT_OF_CONTAINERD = 'io.containerd.content.v1.content';
/** Likewise. */
export const BLOBS_OF_CONTAINERD = `${CONTENT_OF_CONTAINERD}/blobs`;

const OPENING_BRACE = 0x7b;

/** The blobs of containerd, as if they were those of an OCI layout. */
export class ContainerdBlobs implements Files {
  readonly isArchive = false;
  readonly location: string;
  readonly #files: StoreFiles;
  readonly #blobs: string;

  /** @param top the folder of containerd: empty, or with a slash at its end */
  constructor(files: StoreFiles, top: string) {
    this.#files = files;
    this.#blobs = `${top}${BLOBS_OF_CONTAINERD}`;
    this.location = files.location;
  }

  async topNames(): Promise<readonly string[]> {
    return [];
  }

  async open(name: string): Promise<OpenFile | undefined> {
    const path = cleanName(name);
    if (digestOfName(path) === undefined || !path.startsWith('blobs/')) return undefined;
    return this.#files.open(`${this.#blobs}${path.slice('blobs'.length)}`);
  }

  /**
   * Searches for manifests and indexes: blobs that are JSON documents with the right fields. Those that only an index
   * leads to are left out, unless the index names them.
   *
   * @returns each with the names that an index has for it
   * @throws DIMGX_SOURCE_UNREADABLE
   */
  search(): readonly (readonly [Descriptor, names: readonly string[]])[] {
    const found: Descriptor[] = [];
    const inside = new Map<string, readonly string[]>();
    for (const hex of this.#files.names(`${this.#blobs}/sha256`)) {
      const digest = `sha256:${hex}`;
      if (!isDigest(digest)) continue;
      const bytes = this.#document(`${this.#blobs}/sha256/${hex}`);
      const document = bytes && seenIn(bytes);
      if (!document) continue;
      found.push({ digest, mediaType: document.mediaType, size: bytes.length, urls: [] });
      for (const { digest: inner, names } of document.manifests) {
        inside.set(inner, [...(inside.get(inner) ?? []), ...names]);
      }
    }
    const isOnTop = ({ digest }: Descriptor) => inside.get(digest)?.length !== 0;
    return found.filter(isOnTop).map((descriptor) => [descriptor, inside.get(descriptor.digest) ?? []]);
  }

  /** @returns `undefined` if it is not a file, is too long for a document, or begins like something else */
  #document(path: string): Buffer | undefined {
    try {
      return this.#files.readParts(path, ({ size, read }) => {
        const isDocument = size <= MAX_DOCUMENT && read(0, 1)[0] === OPENING_BRACE;
        return isDocument ? read(0, size) : undefined;
      });
    } catch (failure) {
      if (failure instanceof DimgxError && failure.code === 'DIMGX_SOURCE_BAD_MEMBER') return undefined;
      throw failure;
    }
  }
}

/** Whether a document is a manifest or an index, by its fields. */
export function isManifestDocument(bytes: Uint8Array): boolean {
  return seenIn(bytes) !== undefined;
}

interface Seen {
  readonly mediaType: string;
  readonly manifests: readonly { readonly digest: string; readonly names: readonly string[] }[];
}

/** Annotations with the name of an image. */
const NAME_KEYS = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'];

function seenIn(bytes: Uint8Array): Seen | undefined {
  const document = tryParseJson(Buffer.from(bytes).toString());
  if (!isObject(document)) return undefined;
  if (Object.hasOwn(document, 'config') && Object.hasOwn(document, 'layers')) {
    return { mediaType: MANIFEST_TYPES[0] as string, manifests: [] };
  }
  if (!Object.hasOwn(document, 'manifests')) return undefined;
  const { success, output } = v.safeParse(IndexSchema, document);
  if (!success) return undefined;
  const manifests = output.manifests.map(({ digest, annotations }) => {
    const names = NAME_KEYS.map((key) => (annotations && Object.hasOwn(annotations, key) && annotations[key]) || '');
    return { digest, names: realNames(names).slice(0, 1) };
  });
  return { mediaType: INDEX_TYPES[0] as string, manifests };
}
