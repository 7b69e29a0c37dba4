import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import type { Image, ImageList, OpenContext } from '../image/image.js';
import type { PathOwner } from '../image/path-owner.js';
import type { Platform } from '../image/platform.js';
import type { OpenOptions } from '../options.js';

/**
 * How users write references with one transport, as the help shows it: `oci:DIR[:TAG]`, `docker://NAME`. What users
 * fill in is in capitals: `NAME` for a name, any other word for a path. Brackets mean that a selector may follow.
 */
export type Usage = `${string}:${string}`;

/** The transport: what stands before the first colon. */
export type TransportIn<U extends Usage> = U extends `${infer Name}:${string}` ? Name : never;

export function transportIn<U extends Usage>(usage: U): TransportIn<U> {
  return usage.slice(0, usage.indexOf(':')) as TransportIn<U>;
}

/** What stands before the part that users fill in: `oci:`, `docker://`. */
export function prefixOf(usage: Usage): string {
  return usage.slice(0, usage.search(/[A-Z]/));
}

/** What a reference names in a source. */
export interface Named {
  readonly transport: string;
  /** A name, or a path that exists. */
  readonly operand: string;
  /** Which image at the path. */
  readonly selector?: string | undefined;
}

/** What to open at a place. */
export interface OpenRequest {
  /** As given by the user. */
  readonly reference: string;
  /** The platform that was asked for, if any. */
  readonly platform: Platform | undefined;
  readonly options: OpenOptions;
}

export type Listed = Omit<ImageList, 'reference'>;

/** What a reference leads to. Files are open already; engines and registries have not been asked yet. */
export interface Place {
  /** Opens one image. Its documents are read and checked; its layers are not read yet. */
  open(request: OpenRequest): Promise<Image>;
  /** Lists everything that is there, whether it can be read or not. Layers are not read. */
  list(options: OpenOptions): Promise<Listed>;
  /**
   * Finds out whom a path in an engine's storage belongs to. Absent for everything else.
   *
   * @param path without `..`, but at its start if it leads out of the folder of the storage
   * @returns `undefined` if it is none of what the storage holds
   */
  owner?(path: string, options: OpenOptions): Promise<PathOwner | undefined>;
}

/** One kind of place that images come from: files, an engine, a registry. `sources.ts` lists all. */
export interface Source {
  readonly usages: readonly Usage[];
  /** Opens nothing but files. Everything that only engines and registries need is imported when the place is used. */
  locate(named: Named, context: OpenContext): Promise<Place>;
  /** Lists everything, for a reference that is a prefix alone. Absent if such a reference is invalid. */
  listAll?(options: OpenOptions, context: OpenContext): Promise<Listed>;
}

/** The error for a reference that chooses one image, with an option that chooses another. */
export function twoImages(one: string, other: string): DimgxError {
  const choices = `${quoted(one)} and ${quoted(other)}`;
  return new DimgxError('DIMGX_REFERENCE_INVALID', `two images are chosen, ${choices}: leave one of them out`);
}
