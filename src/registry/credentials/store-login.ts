import { readAuthFile } from './auth-file.js';
import { tellHelper } from './credential-helper.js';
import { type AuthDocument, editAuthFile, withEntries } from './edit-auth-file.js';
import { helperFor, helperOptions, keyFor, type LoginRequest, placeToStore, withLoginErrors } from './login-place.js';
import { keysOf } from './server-key.js';

export interface StoredLogin {
  /** Path of the file that has the credentials, or that names the helper that has them. */
  readonly path: string;
  readonly helper: string | undefined;
}

/**
 * Stores credentials as `docker login` does if docker has a configuration, and otherwise as `podman login` does. If the
 * file names a helper for the registry, the helper stores them.
 *
 * @throws DIMGX_SOURCE_LOGIN_NOT_STORED, DIMGX_ABORTED
 */
export async function storeLogin(
  login: { readonly username: string; readonly password: string },
  request: LoginRequest,
): Promise<StoredLogin> {
  const { registry, signal } = request;
  const place = await placeToStore(request);
  return withLoginErrors(place, 'stored in', signal, async () => {
    const helper = helperFor(place, await readAuthFile(place.path), registry);
    if (helper) await tellHelper(helper.program, helper.server, login, helperOptions(request));
    // docker records which registries its helpers have credentials for
    const noted = place.kind === 'docker' ? {} : undefined;
    const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
    const entry = helper ? noted : { auth };
    await editAuthFile(place.path, (document) => withEntry(document, registry, keyFor(place, registry), entry));
    return { path: place.path, helper: helper?.program };
  });
}

/** Returns the document with this entry in place of all entries for the registry. */
function withEntry(
  document: AuthDocument,
  registry: string,
  key: string,
  entry: AuthDocument | undefined,
): AuthDocument | undefined {
  let isSame = false;
  const changed = withEntries(document, (auths) => {
    const old = keysOf(Object.keys(auths), registry);
    isSame = entry === undefined && old.length === 0;
    const kept = Object.entries(auths).filter(([other]) => (other === key && entry) || !old.includes(other));
    return { ...Object.fromEntries(kept), ...(entry && { [key]: entry }) };
  });
  return isSame ? undefined : changed;
}
