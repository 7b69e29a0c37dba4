import { readAuthFile } from './auth-file.js';
import { askHelper, clearHelper } from './credential-helper.js';
import { editAuthFile, withEntries } from './edit-auth-file.js';
import {
  helperFor,
  helperOptions,
  type LoginPlace,
  type LoginRequest,
  loginPlaces,
  withLoginErrors,
} from './login-place.js';
import { keysOf } from './server-key.js';

/**
 * Removes the credentials for a registry from every file that dimgx searches, and from the helpers those files name.
 * Credentials for parts of the registry stay.
 *
 * @returns the files that had any
 * @throws DIMGX_SOURCE_LOGIN_NOT_STORED, DIMGX_ABORTED
 */
export async function removeLogin(request: LoginRequest): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const place of loginPlaces(request)) {
    const isRemoved = await withLoginErrors(place, 'removed from', request.signal, () => removeFrom(place, request));
    if (isRemoved) removed.push(place.path);
  }
  return removed;
}

async function removeFrom(place: LoginPlace, request: LoginRequest): Promise<boolean> {
  const { registry } = request;
  const file = await readAuthFile(place.path);
  const helper = helperFor(place, file, registry);
  const options = helperOptions(request);
  const isKept = helper !== undefined && (await askHelper(helper.program, helper.server, options)) !== undefined;
  if (helper && isKept) await clearHelper(helper.program, helper.server, options);
  const old = keysOf(file.entries.keys(), registry);
  if (old.length > 0) await removeEntries(place, old);
  return isKept || old.length > 0;
}

/** Removes entries from a file; everything else in it stays. */
export async function removeEntries({ path }: LoginPlace, keys: readonly string[]): Promise<void> {
  await editAuthFile(path, (document) =>
    withEntries(document, (entries) =>
      Object.fromEntries(Object.entries(entries).filter(([key]) => !keys.includes(key))),
    ),
  );
}
