import { type Descriptor, IMAGE_CONFIG_TYPES, INDEX_TYPES, MANIFEST_TYPES, type Manifest } from '../manifest.js';

/** What a manifest describes: an image, an index, or something stored beside images. */
export type ManifestKind =
  | 'image'
  | 'index'
  | 'attestation'
  | 'signature'
  | 'SBOM'
  | 'referrer'
  | 'artifact'
  | 'Helm chart'
  | 'WebAssembly module'
  | 'Nydus image'
  | 'SOCI index'
  | 'BuildKit cache'
  | 'layer';

const LAYER_TYPE = /^application\/vnd\.(?:oci\.image\.layer|docker\.image\.rootfs)\./;
const NYDUS_TYPE = /^application\/vnd\.(?:nydus|oci\.image\.layer\.nydus)\./;
/** Source: nydus, docs/nydus-image.md. */
const NYDUS_BOOTSTRAP = 'containerd.io/snapshot/nydus-bootstrap';
const NYDUS_FEATURE = 'nydus.remoteimage.v1';

/** By media types of configs, artifacts and layers; the first match counts. */
const OTHER_KINDS: readonly (readonly [RegExp, ManifestKind])[] = [
  [/vnd\.buildkit\.cacheconfig/, 'BuildKit cache'],
  [/vnd\.cncf\.helm/, 'Helm chart'],
  [/vnd\.amazon\.soci/, 'SOCI index'],
  [NYDUS_TYPE, 'Nydus image'],
  [/wasm/, 'WebAssembly module'],
  [/spdx|cyclonedx|syft|sbom/i, 'SBOM'],
  [/in-toto|dsse|slsa|attestation/i, 'attestation'],
  [/cosign|simplesigning|sigstore|signature|notary/i, 'signature'],
  [/vnd\.oci\.artifact\./, 'artifact'],
];

/** Values of the annotation `kind` that `cosign save` writes. Source: cosign, pkg/oci/layout. */
const COSIGN_KINDS: Readonly<Record<string, ManifestKind>> = { sigs: 'signature', atts: 'attestation', sboms: 'SBOM' };

/** BuildKit stores provenance and SBOMs beside images. Source: BuildKit, docs/attestations/attestation-storage.md. */
export function isAttestation({ annotations, platform }: Descriptor): boolean {
  if (annotations && Object.hasOwn(annotations, 'vnd.docker.reference.type')) return true;
  return platform?.os === 'unknown' && platform.architecture === 'unknown';
}

/** Whether it is what users mean by an image. */
export function isImageKind(kind: ManifestKind | undefined): boolean {
  return kind === 'image' || kind === 'index';
}

/** Whether it claims to point at a manifest. BuildKit also lists layers and cache records in indexes. */
export function isManifest(descriptor: Descriptor): boolean {
  const isRecords = /buildkit\.cacheconfig/.test(descriptor.mediaType);
  return kindOfDescriptor(descriptor) !== 'layer' && !isRecords;
}

/** Whether it may point at an index. A descriptor without a media type may. */
export function mayBeIndex({ mediaType }: Descriptor): boolean {
  return mediaType === '' || INDEX_TYPES.includes(mediaType);
}

/** For messages. */
export function withArticle(kind: ManifestKind): string {
  return `${/^(?:[ai]|SBOM)/.test(kind) ? 'an' : 'a'} ${kind}`;
}

/** What a descriptor alone says about its target; `image` and `index` are only claims. */
export function kindOfDescriptor(descriptor: Descriptor): ManifestKind {
  const { mediaType, artifactType, annotations } = descriptor;
  if (isAttestation(descriptor)) return 'attestation';
  const cosign = annotations && Object.hasOwn(annotations, 'kind') ? annotations.kind : undefined;
  const [, signed = ''] = /^dev\.cosignproject\.cosign\/(\w+)$/.exec(cosign ?? '') ?? [];
  if (Object.hasOwn(COSIGN_KINDS, signed)) return COSIGN_KINDS[signed] as ManifestKind;
  if (descriptor.platform?.['os.features']?.includes(NYDUS_FEATURE)) return 'Nydus image';
  if (LAYER_TYPE.test(mediaType)) return 'layer';
  if (artifactType && !IMAGE_CONFIG_TYPES.includes(artifactType)) return otherKind([artifactType]) ?? 'artifact';
  if (INDEX_TYPES.includes(mediaType)) return 'index';
  return MANIFEST_TYPES.includes(mediaType) ? 'image' : (otherKind([mediaType]) ?? 'image');
}

/**
 * What a manifest describes, by the types that it names. An engine would take some of these for an image, and find no
 * files in them.
 */
export function kindOfManifest({ config, artifactType, layers, subject }: Manifest): ManifestKind {
  const types = layers.map(({ mediaType }) => mediaType);
  const isRunnable = config.mediaType === '' || IMAGE_CONFIG_TYPES.includes(config.mediaType);
  if (!isRunnable) return otherKind([config.mediaType, artifactType ?? '', ...types]) ?? 'artifact';
  if (artifactType && !IMAGE_CONFIG_TYPES.includes(artifactType)) return otherKind([artifactType]) ?? 'artifact';
  const isNydus = ({ mediaType, annotations }: Descriptor) =>
    NYDUS_TYPE.test(mediaType) || (annotations != null && Object.hasOwn(annotations, NYDUS_BOOTSTRAP));
  if (layers.some(isNydus)) return 'Nydus image';
  const hasFiles = types.length === 0 || types.some((type) => otherKind([type]) === undefined);
  if (!hasFiles) return otherKind(types) ?? 'artifact';
  return subject ? 'referrer' : 'image';
}

function otherKind(types: readonly string[]): ManifestKind | undefined {
  return OTHER_KINDS.find(([pattern]) => types.some((type) => pattern.test(type)))?.[1];
}
