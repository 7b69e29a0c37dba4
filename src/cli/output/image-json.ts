import type { DimgxError } from '../../errors.js';
import type { Image, Layer } from '../../image/image.js';
import { layerId } from './layer-id.js';
import type { ListingRow } from './listing-rows.js';
import type { FoundLayers } from './read-layers.js';

/**
 * What `--json` prints for a listing: one document. A key is always there; what the source does not tell is `null`. Texts
 * of the image stand as they are, escaped only as JSON escapes. Keys may be added by later versions; none is removed.
 */
export interface ImageJson {
  /** As given on the command line. */
  readonly reference: string;
  /** Which kind of source served the image, and from where. */
  readonly source: { readonly transport: string; readonly location: string };
  /** 64 hex digits. */
  readonly id: string;
  /** `sha256:…`. */
  readonly manifestDigest: string | null;
  readonly tags: readonly string[];
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant: string | null } | null;
  /** RFC 3339, as the image has it. */
  readonly created: string | null;
  /** The layers selected, in the order of the selection: earlier wins. */
  readonly layers: readonly LayerJson[];
  /** The same rows as in the table: without `--layers`, the steps that carry only metadata, too. */
  readonly history: readonly HistoryJson[];
}

export interface LayerJson {
  /** 1 is the base layer; `@N` on the command line. */
  readonly position: number;
  /** Under which `--quiet` lists the layer, in full: hex digits. */
  readonly id: string;
  /** Of the stored bytes: `sha256:…`. */
  readonly digest: string | null;
  /** Of the uncompressed bytes: `sha256:…`. */
  readonly diffId: string | null;
  readonly legacyId: string | null;
  readonly imageId: string | null;
  readonly tags: readonly string[];
  readonly mediaType: string | null;
  /** `null` when the layer has not been read: an engine's or a registry's is not, for a listing. */
  readonly compression: string | null;
  /** Sum of the sizes of its entries, in bytes, counted or as an engine tells; `null` when it is compressed. */
  readonly size: number | null;
  /** As it is stored, in bytes. */
  readonly storedSize: number | null;
  readonly created: string | null;
  readonly createdBy: string | null;
  /** Why the layer cannot be read, as far as a listing finds it; `null` when it finds nothing wrong. */
  readonly problem: { readonly code: string; readonly message: string } | null;
}

export interface HistoryJson {
  readonly created: string | null;
  readonly createdBy: string | null;
  readonly comment: string | null;
  /** The position of the layer that the step made. */
  readonly layer: number | null;
  /** Of the image after the step, where an engine knows it: 64 hex digits. */
  readonly imageId: string | null;
}

export function imageJson(
  image: Image,
  selected: readonly Layer[],
  rows: readonly ListingRow[],
  { contentSizes, problems }: FoundLayers,
): ImageJson {
  const { reference, source, id, manifestDigest, tags, platform, config } = image;
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
    layers: selected.map((layer) => ({
      position: positionOf(layer),
      id: layerId(layer),
      digest: layer.digest ?? null,
      diffId: layer.diffId ?? null,
      legacyId: layer.legacyId ?? null,
      imageId: layer.imageId ?? null,
      tags: layer.tags,
      mediaType: layer.mediaType ?? null,
      compression: layer.compression ?? null,
      size: contentSizes.get(layer) ?? layer.claimedContentSize ?? null,
      storedSize: layer.blob?.length ?? layer.claimedSize ?? null,
      created: layer.history?.created ?? null,
      createdBy: layer.history?.createdBy ?? null,
      problem: problemJson(problems.get(layer)),
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
