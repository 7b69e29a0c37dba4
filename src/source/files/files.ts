import { pathData, quoted } from '../../base/text/printable.js';
import type { StoredRegion } from '../../compression/packed-region.js';
import { DimgxError } from '../../errors.js';
import { type Digest, isDigest } from '../../reference/digest.js';

/** An open regular file. The region is valid until `close`. */
export interface OpenFile {
  readonly region: StoredRegion;
  close(): Promise<void>;
}

/** The named files of an archive or a directory. This is all that a source sees of them. */
export interface Files {
  /** Where the files are, printable. */
  readonly location: string;
  /** Whether the files are in an archive, not in a directory. */
  readonly isArchive: boolean;
  /** Names of the files and folders at the top, in no particular order. */
  topNames(): Promise<readonly string[]>;
  /**
   * Names of the folders in a folder, in no particular order; without links.
   *
   * @param folder without a trailing slash; empty for the top
   */
  foldersIn?(folder: string): Promise<readonly string[]>;
  /**
   * Opens a regular file. Links are followed as long as they stay inside.
   *
   * @param name as written in a manifest
   * @returns `undefined` if there is no file of that name
   * @throws DIMGX_SOURCE_UNSAFE_PATH when the name or a link leads outside; DIMGX_SOURCE_BAD_MEMBER when it is not a
   *   regular file, or is a link to nothing or in a loop; DIMGX_SOURCE_UNREADABLE
   */
  open(name: string): Promise<OpenFile | undefined>;
}

/**
 * Removes `.`, `//` and `a/..` from a file's name inside an archive or directory. A leading slash means the root of the
 * archive: buildpacks write such names, and engines join them to the folder that they unpack into.
 *
 * @throws DIMGX_SOURCE_UNSAFE_PATH when it is empty or leads outside
 */
export function cleanName(name: string): string {
  const kept: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') kept.push(part);
    else if (kept.pop() === undefined) throw unsafe(name);
  }
  if (name.includes('\0') || kept.length === 0) throw unsafe(name);
  return kept.join('/');
}

export function unsafe(name: string): DimgxError {
  return new DimgxError(
    'DIMGX_SOURCE_UNSAFE_PATH',
    `the path ${quoted(name)} leads out of the image's archive or directory: the image is refused`,
    pathData(name),
  );
}

export function badMember(name: string, what: string): DimgxError {
  return new DimgxError(
    'DIMGX_SOURCE_BAD_MEMBER',
    `${quoted(name)} is ${what}, not a regular file: the image is refused`,
    pathData(name),
  );
}

/** A blob in an OCI layout, and in archives of Docker 25 and later. */
const IN_LAYOUT = /^blobs\/([^/]+)\/([^/]+)$/;

/** A blob in `dir:` (skopeo), and in archives of skopeo, podman, Docker up to 24, kaniko and crane. */
const BY_ITSELF = /^(?:(sha256|sha384|sha512)[:-])?([0-9a-f]{64,})(?:\.json|\.manifest\.json|\.tar|\.tar\.gz|\.tgz)?$/;

/** The digest in the name of a blob among the files of an image; `undefined` for other names. */
export function digestOfName(name: string): Digest | undefined {
  const [, algorithm = 'sha256', hex] = IN_LAYOUT.exec(name) ?? BY_ITSELF.exec(name) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : undefined;
}
