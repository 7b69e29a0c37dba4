import { readdir } from 'node:fs/promises';
import { pathData, printable, quoted } from '../../base/text/printable.js';
import { DimgxError, isSystemError } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import type { Place } from '../source.js';
import { containerdPlace, isContainerdRoot } from './containerd-place.js';
import { containersStorage, defaultRoot, isContainersStorage, parseStorageReference } from './containers-storage.js';
import { diskPlace } from './disk-place.js';
import { dockerRoot, isDockerRoot } from './docker-root.js';
import { StoreFiles } from './store-files.js';

const CONTAINERD = { usage: 'containerd-root:DIR[:NAME]', top: '' } as const;

/** @throws DIMGX_SOURCE_NOT_AN_IMAGE, DIMGX_SOURCE_NOT_FOUND, DIMGX_SOURCE_UNREADABLE */
export async function dockerRootPlace(
  path: string,
  selector: string | undefined,
  context: OpenContext,
): Promise<Place> {
  const files = await openStore(path, context);
  if (!isDockerRoot(files)) throw notAStore(path, "Docker's storage: it has no image/DRIVER/imagedb");
  return diskPlace(files, dockerRoot(files), selector, context);
}

/** @throws as `dockerRootPlace` */
export async function containerdRootPlace(
  path: string,
  selector: string | undefined,
  context: OpenContext,
): Promise<Place> {
  const files = await openStore(path, context);
  if (!isContainerdRoot(files))
    throw notAStore(path, "containerd's storage: it has no io.containerd.content.v1.content");
  return containerdPlace(files, CONTAINERD, selector, context);
}

/** @param reference what follows `containers-storage:` @throws as `dockerRootPlace`; DIMGX_REFERENCE_INVALID */
export async function containersStoragePlace(reference: string, context: OpenContext): Promise<Place> {
  const { root = defaultRoot(), driver, name } = parseStorageReference(reference);
  const files = await openStore(root, context);
  if (!isContainersStorage(files)) throw notAStore(root, "Podman's storage: it has no DRIVER-images/images.json");
  return diskPlace(files, containersStorage(files, driver), name, context);
}

/**
 * The place of a directory that is an engine's storage.
 *
 * @returns `undefined` if it is none
 */
export async function storeAt(path: string, context: OpenContext): Promise<Place | undefined> {
  if (!(await hasStoreMark(path))) return undefined;
  const files = await openStore(path, context);
  if (isDockerRoot(files)) return diskPlace(files, dockerRoot(files), undefined, context);
  if (isContainersStorage(files)) return diskPlace(files, containersStorage(files), undefined, context);
  if (isContainerdRoot(files)) return containerdPlace(files, CONTAINERD, undefined, context);
  return undefined;
}

/** Whether a directory has the names of an engine's storage at its top. */
export async function hasStoreMark(path: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const names = await readdir(path).catch(() => []);
  return names.some((name) => /^(?:image|.*-images|\d+\.\d+|io\.containerd\..*)$/s.test(name));
}

async function openStore(path: string, context: OpenContext): Promise<StoreFiles> {
  try {
    return await StoreFiles.open(path, context);
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT'))
      throw new DimgxError('DIMGX_SOURCE_NOT_FOUND', `there is no directory ${quoted(path)}`, pathData(path));
    if (isSystemError(failure, 'ENOTDIR')) throw notAStore(path, 'a directory');
    throw failure;
  }
}

function notAStore(path: string, what: string): DimgxError {
  return new DimgxError('DIMGX_SOURCE_NOT_AN_IMAGE', `${printable(path, 300)} is not ${what}`, pathData(path));
}
