import * as v from 'valibot';
import type { Digest } from '../reference/digest.js';
import { type Tolerance, tolerantSchema } from './oddity.js';

/** Media types of the config of a runnable image. Source: OCI image-spec, media-types.md; Docker schema 2. */
export const IMAGE_CONFIG_TYPES: readonly string[] = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];

export const INDEX_TYPES: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/** Media types of the documents that a registry serves by name. */
export const MANIFEST_TYPES: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  ...INDEX_TYPES,
];

/**
 * Media types of layers that registries are not allowed to redistribute. Source: OCI image-spec, media-types.md; Docker
 * schema 2.
 */
const FOREIGN_TYPE = /^application\/vnd\.(?:oci\.image\.layer\.nondistributable|docker\.image\.rootfs\.foreign)\./;

/** Whether a layer is stored outside the registry that has its manifest. */
export function isForeign({ mediaType }: Pick<Descriptor, 'mediaType'>): boolean {
  return FOREIGN_TYPE.test(mediaType);
}

/** Docker's type for the layers of its archives, which do not name one themselves. */
export const DOCKER_LAYER_TYPE = 'application/vnd.docker.image.rootfs.diff.tar';

/** containers/image writes -1 for an unknown size. */
const Size = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(-1),
  v.transform((size) => (size < 0 ? null : size)),
);

/** In bytes. If a descriptor has no size, only the digest is checked. */
const OptionalSize = v.nullish(Size);

const PlatformSchema = v.object({
  os: v.nullish(v.string()),
  architecture: v.nullish(v.string()),
  variant: v.nullish(v.string()),
  /** Features that an ordinary machine lacks. A value of another shape is ignored. */
  'os.features': v.fallback(v.nullish(v.array(v.string())), null),
});

/**
 * A number counts as its digits; any other value that is not a string counts as an empty string. The key counts as
 * present in every case.
 */
const Annotation = (may: Tolerance) =>
  may(v.nullish(v.union([v.string(), v.pipe(v.number(), v.transform(String))]), ''), '');

/**
 * Fields that do not say which bytes to read may be malformed; then the documents that the descriptor points at decide.
 * Source: OCI image-spec, descriptor.md.
 */
const descriptorSchema = (may: Tolerance) =>
  v.object({
    mediaType: may(v.nullish(v.string(), ''), ''),
    digest: v.string(),
    size: OptionalSize,
    platform: may(v.nullish(PlatformSchema), null),
    artifactType: may(v.nullish(v.string()), null),
    annotations: may(v.nullish(v.record(v.string(), Annotation(may))), null),
    /** Where to fetch a layer that is not in the registry. */
    urls: may(v.nullish(v.array(v.string()), []), []),
  });

/** Points at a blob. The digest is unchecked text until it has passed `parseDigest`. */
export type Descriptor = v.InferOutput<ReturnType<typeof descriptorSchema>>;

/** An OCI manifest, or a Docker schema 2 manifest, which has the same shape. Source: OCI image-spec, manifest.md. */
export const MANIFEST = tolerantSchema((may) =>
  v.object({
    schemaVersion: may(v.nullish(v.number()), null),
    mediaType: may(v.nullish(v.string()), null),
    artifactType: may(v.nullish(v.string()), null),
    config: descriptorSchema(may),
    /** The manifest that this one is attached to. */
    subject: v.optional(v.unknown()),
    layers: v.nullish(v.array(descriptorSchema(may)), []),
  }),
);

export const ManifestSchema = MANIFEST.read;

export type Manifest = v.InferOutput<typeof ManifestSchema>;

/** An OCI index, or Docker's manifest list. Source: OCI image-spec, image-index.md. */
export const INDEX_DOCUMENT = tolerantSchema((may) =>
  v.object({
    schemaVersion: may(v.nullish(v.number()), null),
    mediaType: may(v.nullish(v.string()), null),
    manifests: v.nullish(v.array(descriptorSchema(may)), []),
  }),
);

export const IndexSchema = INDEX_DOCUMENT.read;

/** Null counts as absent. */
const Anything = v.optional(
  v.pipe(
    v.unknown(),
    v.transform((value) => value ?? undefined),
  ),
);

/** The fields needed to tell which kind of manifest or index a document is. */
export const KindSchema = v.object({
  schemaVersion: v.fallback(v.nullish(v.number()), null),
  mediaType: v.fallback(v.nullish(v.string(), ''), ''),
  manifests: Anything,
  layers: Anything,
  config: Anything,
  fsLayers: Anything,
});

const layerSourceSchema = (may: Tolerance) =>
  v.object({
    mediaType: may(v.nullish(v.string(), ''), ''),
    digest: v.string(),
    size: OptionalSize,
    urls: may(v.nullish(v.array(v.string()), []), []),
  });

/** `manifest.json` of a `docker save` archive. Source: moby, image/tarexport (1.10 and later). */
export const DOCKER_MANIFEST = tolerantSchema((may) =>
  v.array(
    v.object({
      Config: v.string(),
      RepoTags: may(v.nullish(v.array(v.nullish(v.string(), '')), []), []),
      Layers: v.nullish(v.array(v.string()), []),
      /** Keys are diff IDs (Docker ≥ 25). */
      LayerSources: may(v.nullish(v.record(v.string(), v.nullish(layerSourceSchema(may))), {}), {}),
    }),
  ),
);

export const DockerManifestSchema = DOCKER_MANIFEST.read;

export type DockerManifestItem = v.InferOutput<typeof DockerManifestSchema>[number];

/** Resolves descriptors to the documents and blobs they point at. */
export interface Blobs {
  /** Reads a manifest or an index and checks it against its descriptor. */
  manifest(descriptor: Descriptor): Promise<Document>;
  /** Reads a config and checks it against its descriptor. */
  config(descriptor: Descriptor): Promise<Document>;
  /** Path of a layer's blob in this store. */
  blobPath(digest: Digest): string;
  /** Whether looking up a blob is cheap. If it is not, `has` resolves to true for every blob. */
  readonly isNear: boolean;
  has(digest: Digest): Promise<boolean>;
}

export interface Document {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}
