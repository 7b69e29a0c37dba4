import type { DimgxError, Image, Layer } from '../../index.js';
import { type ContainerJson, containerJson } from './container-json.js';
import { type ListingRow, layerId } from './listing.js';
import type { FoundLayers } from './read-layers.js';

/**
 * The document that `--json` prints for a listing. Every key is always present; a value that the source does not give
 * is `null`. Text from the image is unchanged, with only the escapes of JSON. Later versions may add keys but remove
 * none.
 */
export interface ImageJson {
  /** As given by the user. */
  readonly reference: string;
  /** The kind of source that served the image, and its location. */
  readonly source: { readonly transport: string; readonly location: string };
  /** 64 hex digits. */
  readonly id: string;
  /** `sha256:…`. */
  readonly manifestDigest: string | null;
  readonly tags: readonly string[];
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant: string | null } | null;
  /** RFC 3339, as written in the image. */
  readonly created: string | null;
  /** The container, if it is one. */
  readonly container: ContainerJson | null;
  /** The selected layers, in the order of the selection: earlier layers win. */
  readonly layers: readonly LayerJson[];
  /** The same rows as in the table. Without `--layers`, they include the steps that carry only metadata. */
  readonly history: readonly HistoryJson[];
}

export interface LayerJson {
  /** 1 is the base layer. On the command line it is `@N`. */
  readonly position: number;
  /** The ID that `--quiet` shows, but in full: hex digits; `null` if the layer has none. */
  readonly id: string | null;
  /** Digest of the stored bytes: `sha256:…`. */
  readonly digest: string | null;
  /** Digest of the uncompressed bytes: `sha256:…`. */
  readonly diffId: string | null;
  readonly legacyId: string | null;
  readonly imageId: string | null;
  readonly tags: readonly string[];
  readonly mediaType: string | null;
  /** `null` if the layer has not been read: a listing reads no layers from an engine or a registry. */
  readonly compression: string | null;
  /** Sum of the sizes of its entries, in bytes, counted or reported by an engine; `null` if it is compressed. */
  readonly size: number | null;
  /** Size of the stored bytes. */
  readonly storedSize: number | null;
  readonly created: string | null;
  readonly createdBy: string | null;
  /** Where the layer came from, as an engine's storage remembers it; empty if it does not. */
  readonly origins: readonly { readonly repository: string; readonly digest: string }[];
  /** Why the layer cannot be read, as far as a listing can tell; `null` if it finds nothing wrong. */
  readonly problem: { readonly code: string; readonly message: string } | null;
}

export interface HistoryJson {
  readonly created: string | null;
  readonly createdBy: string | null;
  readonly comment: string | null;
  /** Position of the layer that the step made. */
  readonly layer: number | null;
  /** ID of the image after the step, if an engine knows it: 64 hex digits. */
  readonly imageId: string | null;
}

export function imageJson(
  image: Image,
  selected: readonly Layer[],
  rows: readonly ListingRow[],
  { contentSizes, problems }: FoundLayers,
): ImageJson {
  const { reference, source, id, manifestDigest, tags, platform, config, container } = image;
  const positions = new Map(image.layers.map((layer, index) => [layer, index + 1]));
  const positionOf = (layer: Layer) => positions.get(layer) ?? 0;
  return {
    reference,
    source: { transport: source.transport, location: source.location },
    id,
    manifestDigest: manifestDigest ?? null,
    tags,
    platform: platform
      ? { os: platform.os, architecture: platform.architecture, variant: platform.variant ?? null }
      : null,
    created: config.created ?? null,
    container: container ? containerJson(container) : null,
    layers: selected.map((layer) => ({
      position: positionOf(layer),
      id: layerId(layer) || null,
      digest: layer.digest ?? null,
      diffId: layer.diffId ?? null,
      legacyId: layer.legacyId ?? null,
      imageId: layer.imageId ?? null,
      tags: layer.tags,
      mediaType: layer.mediaType ?? null,
      compression: layer.compression ?? null,
      size: contentSizes.get(layer) ?? layer.claimedContentSize ?? null,
      storedSize: layer.storedSize ?? null,
      created: layer.history?.created ?? null,
      createdBy: layer.history?.createdBy ?? null,
      origins: layer.origins ?? [],
      problem: problemJson(problems.get(layer) ?? layer.problem),
    })),
    history: rows.map(({ history, layer, id }) => ({
      created: history.created ?? null,
      createdBy: history.createdBy ?? null,
      comment: history.comment ?? null,
      layer: layer ? positionOf(layer) : null,
      imageId: layer ? (layer.imageId ?? null) : id || null,
    })),
  };
}

function problemJson(problem: DimgxError | undefined): LayerJson['problem'] {
  return problem ? { code: problem.code, message: problem.message } : null;
}
