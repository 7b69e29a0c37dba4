import { accessSync, constants, lstatSync, type Stats, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { ByteName } from '../base/io/open-folder.js';
import { unwritable } from '../base/io/unwritable.js';
import { pathData, quoted } from '../base/text/printable.js';
import { requireThat } from '../check-options.js';
import { isSystemError } from '../errors.js';
import type { Landings } from './landings.js';
import { inTheWay, refused, requireReplaceable } from './target-errors.js';
import { openTarget, type TargetFolder } from './target-folder.js';

/** Where copies go. */
export class Target {
  /** The open folder that they go to. */
  readonly root: TargetFolder;
  /** The name of the only copy, if it is not that of its source. */
  readonly name: ByteName | undefined;
  /** Whether the copy must be a directory, because the caller's path ends in a slash. */
  readonly isFolder: boolean;
  readonly #prefix: string;

  /** @param prefix what the caller would put in front of the paths in the folder */
  constructor(root: TargetFolder, prefix: string, name: ByteName | undefined, isFolder: boolean) {
    this.root = root;
    this.#prefix = prefix;
    this.name = name;
    this.isFolder = isFolder;
  }

  /** A path in the folder, as the caller would name it. */
  shown(path: ByteName): Uint8Array {
    return Buffer.concat([Buffer.from(this.#prefix), Buffer.from(path, 'latin1')]);
  }

  /** @throws DIMGX_TARGET_* or DIMGX_TOO_MANY_FILES for an error of the operating system, and what `work` throws */
  attempt<T>(path: ByteName, work: () => T): T {
    try {
      return work();
    } catch (failure) {
      throw this.failure(path, failure);
    }
  }

  /** The same for an error that was caught. */
  failure(path: ByteName, failure: unknown): unknown {
    const shown = this.shown(path);
    return isSystemError(failure) ? unwritable(shown, failure, pathData(shown)) : failure;
  }
}

/**
 * Finds the folder that a path of the caller stands for: that one, or for a path that does not exist or is no directory,
 * the one that the only copy gets this path in. Symlinks on the way to it are followed.
 *
 * @param needsFolder whether only an existing directory will do
 * @throws DIMGX_OPTION_INVALID, DIMGX_TARGET_UNWRITABLE, DIMGX_TOO_MANY_FILES
 */
export function findTarget(path: string, needsFolder: boolean): Target {
  requireThat(typeof path === 'string' && path !== '', 'the target', 'a path', path);
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory())
      return new Target(openTarget(path), path.endsWith('/') ? path : `${path}/`, undefined, false);
    if (needsFolder) throw refused(path, `${found ? 'is not' : 'does not exist as'} a directory: choose or make one`);
  } catch (failure) {
    throw unwritable(path, failure, pathData(path));
  }
  return besideOthers(path);
}

/** The folder in which a path is the name of the only copy. */
function besideOthers(path: string): Target {
  const [parent, name] = [dirname(path), basename(path)];
  if (name === '.' || name === '..') throw refused(path, 'does not exist: make the directory first');
  try {
    const prefix = path.includes('/') ? `${parent === '/' ? '' : parent}/` : '';
    return new Target(openTarget(parent), prefix, Buffer.from(name).toString('latin1'), path.endsWith('/'));
  } catch (failure) {
    if (!isSystemError(failure, 'ENOENT')) throw unwritable(path, failure, pathData(path));
    throw refused(path, `cannot be written: the folder ${quoted(parent)} does not exist`, failure);
  }
}

/**
 * Finds early what would stop the work later.
 *
 * @param force whether files and symlinks may be replaced
 * @throws DIMGX_TARGET_EXISTS, DIMGX_TARGET_UNWRITABLE
 */
export function checkLandings(target: Target, landings: Landings, force: boolean): void {
  let isChanged = false;
  for (const landing of landings.roots) {
    const [first = '', ...rest] = landing.split('/');
    const found = first === '' ? undefined : target.attempt(first, () => lookAt(target, first));
    isChanged ||= !found;
    if (!found || found.isDirectory()) continue;
    if (rest.length > 0 || target.isFolder) throw inTheWay(target.shown(first), found, 'a directory');
    requireReplaceable(target.shown(first), found, force);
  }
  if (isChanged) target.attempt('', () => accessSync(target.root.path, constants.W_OK | constants.X_OK));
}

function lookAt({ root }: Target, name: ByteName): Stats | undefined {
  return lstatSync(root.at(name), { throwIfNoEntry: false });
}
