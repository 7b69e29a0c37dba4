import { buffer } from 'node:stream/consumers';
import type { Warning } from '#dimgx/errors.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import type { OpenOptions } from '#dimgx/options.js';
import { openImage } from '#dimgx/source/resolve.js';

/** Flattens an image, every layer verified. @throws DimgxError */
export async function flattenImage(
  reference: string,
  options: OpenOptions & { readonly threads?: number } = {},
): Promise<{ readonly tar: Buffer; readonly warnings: readonly Warning[] }> {
  const warnings: Warning[] = [];
  const all = { ...options, onWarning: (warning: Warning) => void warnings.push(warning) };
  await using image = await openImage(reference, all);
  const indexes = await inspectLayers(image, all);
  const tar = await buffer(extractLayers(indexes, all));
  await Promise.all(indexes.map(({ verified }) => verified));
  return { tar, warnings };
}
