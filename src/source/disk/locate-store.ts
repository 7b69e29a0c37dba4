import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathData, printable, quoted } from '../../base/text/printable.js';
import { DimgxError, isSystemError } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import type { Place } from '../source.js';
import {
  containersStorage,
  defaultRoot,
  isContainersStorage,
  parseStorageReference,
} from './containers-storage/containers-storage.js';
import { diskPlace } from './disk-place.js';
import { hostPlace } from './host-root.js';
import { knownStore, STORE_KINDS } from './known-store.js';
import { ABSENT } from './many-stores.js';
import { StoreFiles } from './store-files.js';

/** @throws DIMGX_SOURCE_NOT_AN_IMAGE, DIMGX_SOURCE_NOT_FOUND, DIMGX_SOURCE_UNREADABLE */
export async function dockerRootPlace(
  path: string,
  selector: string | undefined,
  context: OpenContext,
): Promise<Place> {
  const files = await openStore(path, context);
  const { has, place } = STORE_KINDS['docker-root'];
  const beside = await containerdBeside(path);
  if (!has(files))
    throw notAStore(
      path,
      `Docker's storage: it has no image/DRIVER/imagedb, no image/DRIVER/layerdb, and no containers with folders of layers${beside}`,
    );
  return withAdvice(place(files, selector, context), beside);
}

/** @throws as `dockerRootPlace` */
export async function containerdRootPlace(
  path: string,
  selector: string | undefined,
  context: OpenContext,
): Promise<Place> {
  const files = await openStore(path, context);
  const { has, place } = STORE_KINDS['containerd-root'];
  if (!has(files)) throw notAStore(path, "containerd's storage: it has no io.containerd.content.v1.content");
  return place(files, selector, context);
}

/** Opens a whole disk. @throws as `dockerRootPlace` */
export async function hostRootPlace(mount: string, selector: string | undefined, context: OpenContext): Promise<Place> {
  return hostPlace(await openStore(mount, context), mount, selector, context);
}

/** @param reference what follows `containers-storage:` @throws as `dockerRootPlace`; DIMGX_REFERENCE_INVALID */
export async function containersStoragePlace(reference: string, context: OpenContext): Promise<Place> {
  const { root = defaultRoot(), driver, name } = parseStorageReference(reference);
  const files = await openStore(root, context);
  if (!isContainersStorage(files))
    throw notAStore(
      root,
      "Podman's storage: it has none of DRIVER-images/images.json, DRIVER-layers/layers.json and DRIVER-containers/containers.json",
    );
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
  return knownStore(files, path, context)?.place(undefined);
}

/** Whether a directory has the names of an engine's storage at its top. */
export async function hasStoreMark(path: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const names = await readdir(path).catch(() => []);
  return names.some((name) =>
    /^(?:image|containers|.*-(?:images|layers|containers)|\d+\.\d+|containerd|io\.containerd\..*)$/s.test(name),
  );
}

/**
 * From version 29 on, Docker may keep its images with a containerd of the system, in the folder beside its own. That is
 * only looked for, to be named in errors: nothing outside of the folder is opened.
 *
 * @returns a remark; empty if nothing is there
 */
async function containerdBeside(path: string): Promise<string> {
  const folder = join(path, '..', 'containerd');
  const isThere = await access(join(folder, 'io.containerd.metadata.v1.bolt')).then(
    () => true,
    () => false,
  );
  return isThere
    ? `; its images may be in containerd's storage beside it: containerd-root:${printable(folder, 300)}`
    : '';
}

function withAdvice(place: Place, advice: string): Place {
  const open: Place['open'] = (request) =>
    place.open(request).catch((failure: unknown) => {
      if (!(failure instanceof DimgxError) || !ABSENT.includes(failure.code)) throw failure;
      throw failure.retold(`${failure.message}${advice}`);
    });
  return advice === '' ? place : { ...place, open };
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
