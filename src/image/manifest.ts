import * as v from 'valibot';
import { type Tolerance, tolerantSchema } from './oddity.js';

/** Media types of the config of an image that can be run. Source: OCI image-spec, media-types.md; Docker schema 2. */
export const IMAGE_CONFIG_TYPES: readonly string[] = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];

export const INDEX_TYPES: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/** Of what a registry can be asked for by name. */
export const MANIFEST_TYPES: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  ...INDEX_TYPES,
];

/** Of layers that their maker does not let registries hand on. Source: OCI image-spec, media-types.md; Docker schema 2. */
const FOREIGN_TYPE = /^application\/vnd\.(?:oci\.image\.layer\.nondistributable|docker\.image\.rootfs\.foreign)\./;

/** Whether a layer is not in the registry that its manifest is in. */
export function isForeign({ mediaType }: Pick<Descriptor, 'mediaType'>): boolean {
  return FOREIGN_TYPE.test(mediaType);
}

/** What Docker calls the layers of its archives, which name no type themselves. */
export const DOCKER_LAYER_TYPE = 'application/vnd.docker.image.rootfs.diff.tar';

/** containers/image writes -1 for a size that it does not know. */
const Size = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(-1),
  v.transform((size) => (size < 0 ? null : size)),
);

/** In bytes. Where a descriptor has none, no size is compared; its digest is. */
const OptionalSize = v.nullish(Size);

const PlatformSchema = v.object({
  os: v.nullish(v.string()),
  architecture: v.nullish(v.string()),
  variant: v.nullish(v.string()),
  /** What an ordinary machine lacks. One of another shape says nothing. */
  'os.features': v.fallback(v.nullish(v.array(v.string())), null),
});

/** A number is as its digits; what else is not a text is as an empty one. Whether a key is there counts all the same. */
const Annotation = (may: Tolerance) =>
  may(v.nullish(v.union([v.string(), v.pipe(v.number(), v.transform(String))]), ''), '');

/**
 * What says nothing of the bytes that are read may be malformed: then the documents that a descriptor points at decide. Source:
 * OCI image-spec, descriptor.md.
 */
const descriptorSchema = (may: Tolerance) =>
  v.object({
    mediaType: may(v.nullish(v.string(), ''), ''),
    digest: v.string(),
    size: OptionalSize,
    platform: may(v.nullish(PlatformSchema), null),
    artifactType: may(v.nullish(v.string()), null),
    annotations: may(v.nullish(v.record(v.string(), Annotation(may))), null),
    /** Where a layer can be had that its registry does not have. */
    urls: may(v.nullish(v.array(v.string()), []), []),
  });

/** Points at a blob. Its digest is text until `parseDigest` has seen it. */
export type Descriptor = v.InferOutput<ReturnType<typeof descriptorSchema>>;

/** An OCI manifest, or Docker's of schema 2, which has the same shape. Source: OCI image-spec, manifest.md. */
export const MANIFEST = tolerantSchema((may) =>
  v.object({
    schemaVersion: may(v.nullish(v.number()), null),
    mediaType: may(v.nullish(v.string()), null),
    artifactType: may(v.nullish(v.string()), null),
    config: descriptorSchema(may),
    /** What it is filed beside. */
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

/** Null is as nothing. */
const Anything = v.optional(
  v.pipe(
    v.unknown(),
    v.transform((value) => value ?? undefined),
  ),
);

/** Enough of any manifest or index to tell which of them it is. */
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
      /** By diff ID (Docker ≥ 25). */
      LayerSources: may(v.nullish(v.record(v.string(), v.nullish(layerSourceSchema(may))), {}), {}),
    }),
  ),
);

export const DockerManifestSchema = DOCKER_MANIFEST.read;

export type DockerManifestItem = v.InferOutput<typeof DockerManifestSchema>[number];
