import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Warning, WarningCode } from '#dimgx/errors.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import type { LayerIndex } from '#dimgx/layer/layer-index.js';
import type { EntryEvent } from '#dimgx/options.js';
import { openImage } from '#dimgx/source/resolve.js';
import { dockerArchive } from './docker-archive.js';
import { archiveOf } from './members.js';
import { type RawEntry, rawLayer } from './raw-layer.js';

/** The exact bytes of a layer, or its entries. */
export type LayerSpec = Uint8Array | readonly (RawEntry | Uint8Array)[];

export interface FlattenLayersOptions {
  /** Layers to use, numbered from the oldest; earlier ones win. Default: all, newest first. */
  readonly select?: readonly number[];
  readonly threads?: number;
  /** The config's value. Default `linux`. */
  readonly os?: string;
  readonly excludeDevices?: boolean;
  readonly paths?: readonly string[];
  readonly onEntry?: (event: EntryEvent) => void;
}

export interface Flattened {
  readonly tar: Buffer;
  readonly treeDigest: string;
  readonly warnings: readonly Warning[];
  /** Codes of the warnings, in order. */
  readonly codes: readonly WarningCode[];
}

/** Flattens layers, oldest first, from an archive in the format of `docker save`. @throws DimgxError */
export async function flattenLayers(
  layers: readonly LayerSpec[],
  options: FlattenLayersOptions = {},
): Promise<Flattened> {
  const warnings: Warning[] = [];
  const onWarning = (warning: Warning) => void warnings.push(warning);
  const { onEntry, excludeDevices = false, paths } = options;
  let treeDigest = '';
  const onTreeDigest = (digest: string) => {
    treeDigest = digest;
  };
  const tar = await withLayers(layers, { ...options, onWarning }, (indexes) =>
    buffer(extractLayers(indexes, { onWarning, onTreeDigest, excludeDevices, paths, ...(onEntry && { onEntry }) })),
  );
  return { tar, treeDigest, warnings, codes: warnings.map(({ code }) => code) };
}

/** Opens an archive of layers, oldest first, and reads their headers. Closes it when `use` has finished. */
export async function withLayers<T>(
  layers: readonly LayerSpec[],
  options: FlattenLayersOptions & { readonly onWarning?: (warning: Warning) => void },
  use: (indexes: readonly LayerIndex[]) => Promise<T> | T,
): Promise<T> {
  const bytes = layers.map((layer) => (layer instanceof Uint8Array ? layer : rawLayer(layer)));
  const path = join(tmpdir(), `dimgx-test-${randomUUID()}.tar`);
  await writeFile(path, await archiveOf(dockerArchive([{ layers: bytes, config: { os: options.os ?? 'linux' } }])));
  try {
    const image = await openImage(`docker-archive:${path}`);
    try {
      const { threads, onWarning, select } = options;
      const chosen = select?.map((number) => image.layers[number] as (typeof image.layers)[number]);
      const inspect = {
        ...(threads && { threads }),
        ...(onWarning && { onWarning }),
        ...(chosen && { select: chosen }),
      };
      return await use(await inspectLayers(image, inspect));
    } finally {
      await image.close();
    }
  } finally {
    await rm(path);
  }
}
