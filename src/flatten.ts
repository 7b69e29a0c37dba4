import type { Writable } from 'node:stream';
import { DimgxError, type Warning } from './errors.js';
import type { ExtractOptions, InspectOptions, OpenOptions, SelectOptions, TargetOptions } from './options.js';

export interface FlattenOptions extends OpenOptions, SelectOptions, InspectOptions, ExtractOptions, TargetOptions {}

/** What one layer gave. */
export interface LayerCount {
  readonly name: string;
  readonly digest?: string;
  readonly diffId?: string;
  /** Entries read. */
  readonly entries: number;
  /** Entries that stand in the output. */
  readonly written: number;
}

export interface FlattenResult {
  readonly imageId: string;
  readonly manifestDigest?: string;
  /** Written to the target, after compression. */
  readonly bytes: number;
  /** Entries in the output. */
  readonly entries: number;
  /** In the order of the selection: earlier wins. */
  readonly layers: readonly LayerCount[];
  readonly warnings: readonly Warning[];
}

/**
 * Writes the flattened image to a target.
 *
 * @param target a path, `-` for standard output, or a stream
 */
export async function flatten(
  _reference: string,
  _target: string | Writable,
  _options: FlattenOptions = {},
): Promise<FlattenResult> {
  throw new DimgxError('DIMGX_INTERNAL', 'not built yet');
}
