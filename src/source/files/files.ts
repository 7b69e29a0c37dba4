import type { Region } from '../../base/io/region.js';
import { pathData, quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';

/** A regular file, open. The region is valid until `close`. */
export interface OpenFile {
  readonly region: Region;
  close(): Promise<void>;
}

/** The named files of an archive or of a directory: all that a source sees of where it lies. */
export interface Files {
  /** Where they lie, printable. */
  readonly location: string;
  /** Whether that is an archive, and not a directory. */
  readonly isArchive: boolean;
  /** The names at the top, of files and of folders, in no order. */
  topNames(): Promise<readonly string[]>;
  /**
   * The names of the folders in a folder, in no order; without links.
   *
   * @param folder without a slash at its end; empty for the top
   */
  foldersIn?(folder: string): Promise<readonly string[]>;
  /**
   * Opens a regular file; links are followed as long as they stay inside.
   *
   * @param name as a manifest writes it
   * @returns `undefined` when there is none of that name
   * @throws DIMGX_SOURCE_UNSAFE_PATH when the name or a link leads outside; DIMGX_SOURCE_BAD_MEMBER when it is
   *   something else than a file, or a link to nothing or in a loop; DIMGX_SOURCE_UNREADABLE
   */
  open(name: string): Promise<OpenFile | undefined>;
}

/**
 * A file's name inside an archive or directory, without `.`, `//` and `a/..`. A slash in front means the root of the archive:
 * buildpacks write such names, and engines join them to the folder that they unpack into.
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
    `the path ${quoted(name)} does not stay inside the image's archive or directory: the image is refused`,
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
