import * as v from 'valibot';

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

const Size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const PlatformSchema = v.object({
  os: v.nullish(v.string()),
  architecture: v.nullish(v.string()),
  variant: v.nullish(v.string()),
  /** What an ordinary machine lacks. One of another shape says nothing. */
  'os.features': v.fallback(v.nullish(v.array(v.string())), null),
});

/** Points at a blob. Its digest is text until `parseDigest` has seen it. Source: OCI image-spec, descriptor.md. */
export const DescriptorSchema = v.object({
  mediaType: v.nullish(v.string(), ''),
  digest: v.string(),
  size: Size,
  platform: v.nullish(PlatformSchema),
  artifactType: v.fallback(v.nullish(v.string()), null),
  annotations: v.nullish(v.record(v.string(), v.nullish(v.string(), ''))),
  /** Where a layer can be had that its registry does not have. */
  urls: v.nullish(v.array(v.string()), []),
});

export type Descriptor = v.InferOutput<typeof DescriptorSchema>;

/** An OCI manifest, or Docker's of schema 2, which has the same shape. Source: OCI image-spec, manifest.md. */
export const ManifestSchema = v.object({
  schemaVersion: v.nullish(v.number()),
  mediaType: v.nullish(v.string()),
  artifactType: v.nullish(v.string()),
  config: DescriptorSchema,
  /** What it is filed beside. */
  subject: v.optional(v.unknown()),
  layers: v.nullish(v.array(DescriptorSchema), []),
});

export type Manifest = v.InferOutput<typeof ManifestSchema>;

/** An OCI index, or Docker's manifest list. Source: OCI image-spec, image-index.md. */
export const IndexSchema = v.object({
  schemaVersion: v.nullish(v.number()),
  mediaType: v.nullish(v.string()),
  manifests: v.nullish(v.array(DescriptorSchema), []),
});

export type Index = v.InferOutput<typeof IndexSchema>;

/** Null is as nothing. */
const Anything = v.optional(
  v.pipe(
    v.unknown(),
    v.transform((value) => value ?? undefined),
  ),
);

/** Enough of any manifest or index to tell which of them it is. */
export const KindSchema = v.object({
  schemaVersion: v.nullish(v.number()),
  mediaType: v.nullish(v.string(), ''),
  manifests: Anything,
  layers: Anything,
  config: Anything,
  fsLayers: Anything,
});

const LayerSourceSchema = v.object({
  mediaType: v.nullish(v.string(), ''),
  digest: v.string(),
  size: Size,
  urls: v.nullish(v.array(v.string()), []),
});

/** `manifest.json` of a `docker save` archive. Source: moby, image/tarexport (1.10 and later). */
export const DockerManifestSchema = v.array(
  v.object({
    Config: v.string(),
    RepoTags: v.nullish(v.array(v.nullish(v.string(), '')), []),
    Layers: v.nullish(v.array(v.string()), []),
    /** By diff ID (Docker ≥ 25). */
    LayerSources: v.fallback(v.nullish(v.record(v.string(), v.nullish(LayerSourceSchema)), {}), {}),
  }),
);

export type DockerManifestItem = v.InferOutput<typeof DockerManifestSchema>[number];
