import { type BuiltImage, configOf, gzipped, sha256 } from './built-image.js';
import type { Member } from './members.js';

export interface LayoutOptions {
  /** Default false. */
  readonly gzip?: boolean;
  /** Put each image into an index of its own, beside an attestation, as BuildKit does. Default false. */
  readonly nested?: boolean;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

/** An OCI layout under construction. Its members, by name, may be changed in any way before they are written. */
export class OciLayout {
  readonly members: Record<string, Member> = { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}' };

  /** Stores bytes under their digest. */
  blob(bytes: Uint8Array | string, mediaType: string): Descriptor {
    const digest = sha256(bytes);
    this.members[`blobs/sha256/${digest}`] = bytes;
    return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(bytes) };
  }

  json(value: unknown, mediaType: string): Descriptor {
    return this.blob(JSON.stringify(value), mediaType);
  }

  /** Stores config, layers and manifest. @returns the manifest's descriptor */
  manifest(image: BuiltImage, { gzip = false }: LayoutOptions = {}): Descriptor {
    const layers = image.layers.map((layer) =>
      this.blob(gzip ? gzipped(layer) : layer, gzip ? `${LAYER}+gzip` : LAYER),
    );
    const config = this.blob(configOf(image), CONFIG);
    return this.json({ schemaVersion: 2, mediaType: MANIFEST, config, layers }, MANIFEST);
  }

  /** Stores an index. @returns its descriptor */
  index(manifests: readonly Descriptor[]): Descriptor {
    return this.json({ schemaVersion: 2, mediaType: INDEX, manifests }, INDEX);
  }

  /** Stores an attestation as BuildKit does: in a manifest that looks like an image's. */
  attestation(of: Descriptor): Descriptor {
    const manifest = this.manifest({ layers: [Buffer.from('{"in-toto":true}')] });
    return {
      ...manifest,
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': of.digest },
    };
  }

  /** Writes `index.json`. @returns the members */
  top(manifests: readonly Descriptor[]): Record<string, Member> {
    this.members['index.json'] = JSON.stringify({ schemaVersion: 2, manifests });
    return this.members;
  }
}

/** The layout of some images. The tag of each name is the annotation, as skopeo and umoci write it. */
export function ociLayout(images: readonly BuiltImage[], options: LayoutOptions = {}): Record<string, Member> {
  const layout = new OciLayout();
  return layout.top(images.flatMap((image) => taggedDescriptors(layout, image, options)));
}

export function taggedDescriptors(layout: OciLayout, image: BuiltImage, options: LayoutOptions): readonly Descriptor[] {
  const manifest = layout.manifest(image, options);
  const platform = { os: 'linux', architecture: 'amd64' };
  const top = options.nested ? layout.index([{ ...manifest, platform }, layout.attestation(manifest)]) : manifest;
  if (!image.tags) return [top];
  return image.tags.map((tag) => ({
    ...top,
    annotations: {
      'io.containerd.image.name': `docker.io/library/${tag}`,
      'org.opencontainers.image.ref.name': tag.slice(tag.lastIndexOf(':') + 1),
    },
  }));
}
