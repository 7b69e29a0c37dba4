import { constants, type Stats } from 'node:fs';
import { access, lstat, opendir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { unwritable } from '../../base/io/unwritable.js';
import { pathData, quoted } from '../../base/text/printable.js';
import { requireThat } from '../../check-options.js';
import { DimgxError, isSystemError } from '../../errors.js';

/** Where a new bag goes. */
export interface BagPlace {
  /** As the caller named it. */
  readonly name: string;
  /** Absolute, with symlinks resolved. */
  readonly path: string;
  /** The low 12 bits of the mode of the empty directory that is there; `undefined` if nothing is. */
  readonly mode: number | undefined;
}

/**
 * Checks that a bag can be made: its directory is empty or does not exist, and the one around it can be written.
 *
 * @throws DIMGX_TARGET_UNWRITABLE, DIMGX_TOO_MANY_FILES; DIMGX_OPTION_INVALID for an empty name
 */
export async function findBagPlace(name: string): Promise<BagPlace> {
  requireThat(typeof name === 'string' && name !== '', 'the bag', 'the path of a directory', name);
  try {
    const found = await stat(name).catch(ignoreAbsence);
    const path = found ? await pathOfEmpty(name, found) : await pathOfNew(name);
    await access(dirname(path), constants.W_OK | constants.X_OK);
    return { name, path, mode: found && found.mode & 0o7777 };
  } catch (failure) {
    throw unwritable(name, failure, pathData(name));
  }
}

async function pathOfEmpty(name: string, found: Stats): Promise<string> {
  if (!found.isDirectory()) throw refused(name, 'is not a directory');
  const entries = await opendir(name);
  const first = await entries.read().finally(() => entries.close());
  if (first !== null) throw refused(name, 'is not empty');
  const path = await realpath(name);
  // A directory cannot be put in the place of these. The shell would still stand in the empty one.
  if ((await stat(dirname(path))).dev !== found.dev) throw refused(name, 'is where a disk is mounted');
  if (path === workingFolder()) throw refused(name, 'is the working directory');
  return path;
}

async function pathOfNew(name: string): Promise<string> {
  if (await lstat(name.replace(/\/+$/, '')).catch(ignoreAbsence)) throw refused(name, 'is a symlink to nothing');
  const folder = dirname(name);
  const parent = await realpath(folder).catch(ignoreAbsence);
  if (parent === undefined) throw refused(name, `cannot be made: the folder ${quoted(folder)} does not exist`);
  return join(parent, basename(name));
}

/** @param why worded to follow the name */
export function refused(name: string, why: string, cause?: unknown): DimgxError {
  const message = `${quoted(name)} ${why}: name a new or an empty directory`;
  return new DimgxError('DIMGX_TARGET_UNWRITABLE', message, { ...pathData(name), cause });
}

function workingFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined; // it was removed
  }
}

function ignoreAbsence(failure: unknown): undefined {
  if (!isSystemError(failure, 'ENOENT')) throw failure;
}
