import { quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import { parseDocument } from '../document.js';
import { type Blobs, type Descriptor, IndexSchema } from '../manifest.js';
import { ownProblem } from './examine-manifest.js';
import { isAttestation, mayBeIndex } from './manifest-kind.js';
import { documentKind } from './read-manifest.js';

/** A manifest that an index leads to, perhaps through other indexes; or an index that cannot be read. */
export interface Leaf {
  readonly descriptor: Descriptor;
  /** Digests of the indexes that lead to it, nearest first. */
  readonly indexes: readonly string[];
  /** Why the index cannot be read. */
  readonly problem?: DimgxError;
}

const MAX_DEPTH = 8;
/** Limit for all indexes together: far more than any image has, and few enough to hold in memory. */
const MAX_LEAVES = 10_000;

/**
 * All manifests of an index and of the indexes in it. Leaves out attestations, or what `isLeftOut` says. Each index is
 * read once; one that is missing or damaged is a leaf itself.
 *
 * @throws DIMGX_IMAGE_BAD_JSON for indexes nested too deep, DIMGX_IMAGE_DOCUMENT_TOO_LARGE; what `Blobs.manifest`
 *   throws for the source as a whole
 */
export async function leavesOf(
  descriptors: readonly Descriptor[],
  store: Blobs,
  indexes: readonly string[] = [],
  seen: Set<string> = new Set(),
  isLeftOut: (descriptor: Descriptor) => boolean = isAttestation,
): Promise<readonly Leaf[]> {
  const leaves: Leaf[] = [];
  for (const descriptor of descriptors) {
    if (isLeftOut(descriptor)) continue;
    if (!mayBeIndex(descriptor)) {
      leaves.push({ descriptor, indexes });
      continue;
    }
    const saysIndex = descriptor.mediaType !== '';
    if (seen.has(descriptor.digest)) {
      if (!saysIndex) leaves.push({ descriptor, indexes });
      continue;
    }
    const isTooDeep = indexes.length >= MAX_DEPTH;
    if (isTooDeep && saysIndex) throw tooDeep(descriptor.digest);
    seen.add(descriptor.digest);
    const inner = await ownProblem(descriptor, () => manifestsOf(descriptor, store));
    if (isTooDeep && Array.isArray(inner)) throw tooDeep(descriptor.digest);
    if (inner instanceof DimgxError) leaves.push({ descriptor, indexes, problem: inner });
    else if (inner === undefined) leaves.push({ descriptor, indexes });
    else {
      const below = [descriptor.digest, ...indexes];
      for (const leaf of await leavesOf(inner, store, below, seen, isLeftOut)) leaves.push(leaf);
    }
    if (leaves.length > MAX_LEAVES) throw tooMany(descriptor.digest);
  }
  return leaves;
}

/** @returns `undefined` for a manifest, whatever its descriptor says */
async function manifestsOf(descriptor: Descriptor, store: Blobs): Promise<readonly Descriptor[] | undefined> {
  const { bytes, digest } = await store.manifest(descriptor);
  return documentKind(bytes, digest) === 'index' ? parseDocument(bytes, IndexSchema, digest).manifests : undefined;
}

function tooMany(digest: string): DimgxError {
  return new DimgxError(
    'DIMGX_IMAGE_DOCUMENT_TOO_LARGE',
    `the indexes up to ${digest} list more than ${MAX_LEAVES} manifests`,
  );
}

function tooDeep(digest: string): DimgxError {
  return new DimgxError('DIMGX_IMAGE_BAD_JSON', `indexes are nested more than ${MAX_DEPTH} deep at ${quoted(digest)}`);
}
