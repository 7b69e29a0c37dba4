import { join } from 'node:path';
import * as v from 'valibot';
import { configFolder, homeFolder } from '../../base/io/folders.js';
import { readPrivateText } from '../../base/io/regular-file.js';
import { goFields, isObject, parseGoJson } from '../../base/text/go-json.js';
import { printable } from '../../base/text/printable.js';
import { DimgxError, isSystemError } from '../../errors.js';
import type { Credentials } from './credentials.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** The program the file belongs to. Both use the same format. */
export type AuthFileKind = 'docker' | 'podman';

/** The contents of a credentials file, keyed by the registry names it uses. */
export interface AuthFile {
  /** Names of the credential helpers configured for single registries. */
  readonly helpers: ReadonlyMap<string, string>;
  /** Name of the credential helper for all other registries. */
  readonly helper: string | undefined;
  /** Entries whose shape has not been checked. */
  readonly entries: ReadonlyMap<string, unknown>;
}

const FileSchema = v.object({
  auths: v.nullish(v.record(v.string(), v.unknown()), {}),
  credHelpers: v.nullish(v.record(v.string(), v.nullish(v.string(), '')), {}),
  credsStore: v.nullish(v.string()),
});

const Text = v.nullish(v.string(), '');
const ENTRY = { auth: Text, username: Text, password: Text, identitytoken: Text, registrytoken: Text };
const EntrySchema = v.object(ENTRY);
const ENTRY_FIELDS = Object.keys(ENTRY) as readonly (keyof typeof ENTRY)[];

const EMPTY: AuthFile = { helpers: new Map(), helper: undefined, entries: new Map() };

export function dockerFile(env: Environment): string {
  return join(configFolder(env), 'config.json');
}

/** Podman writes to the first of these. */
export function podmanFiles(env: Environment): readonly [string, ...string[]] {
  if (env.REGISTRY_AUTH_FILE) return [env.REGISTRY_AUTH_FILE];
  const runtime = env.XDG_RUNTIME_DIR || `/run/containers/${process.getuid?.()}`;
  const settings = env.XDG_CONFIG_HOME || join(homeFolder(env), '.config');
  return [join(runtime, 'containers/auth.json'), join(settings, 'containers/auth.json')];
}

/**
 * Reads docker's `config.json` or Podman's `auth.json`. A missing file counts as empty, and so does `/dev/null`.
 *
 * @throws an error that reveals nothing of the contents
 */
export async function readAuthFile(path: string): Promise<AuthFile> {
  if (path === '/dev/null') return EMPTY;
  const text = await readPrivateText(path).catch((failure: unknown) => {
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR')) return undefined;
    throw failure;
  });
  return text === undefined ? EMPTY : parseAuthFile(text, printable(path, 300));
}

/**
 * Parses the text of a credentials file as Go programs do. Empty text and `null` hold no credentials.
 *
 * @param what describes the text, printable
 * @throws an error that reveals nothing of the contents
 */
export function parseAuthFile(text: string, what: string): AuthFile {
  const document = parseGoJson(text.trim() || '{}');
  if (document === undefined) throw new DimgxError('DIMGX_IMAGE_BAD_JSON', `${what} is not JSON`);
  const fields = goFields(document, ['auths', 'credHelpers', 'credsStore']);
  const parsed = v.safeParse(FileSchema, fields);
  if (!parsed.success || !(document === null || isObject(document))) throw new Error('it is not of the right shape');
  const { auths, credHelpers, credsStore } = parsed.output;
  return {
    helpers: new Map(Object.entries(credHelpers)),
    helper: credsStore || undefined,
    entries: new Map(Object.entries(auths)),
  };
}

/**
 * The credentials of an entry. `auth` is the Base64 of `user:password`; older files hold the two separately.
 *
 * @returns `undefined` if the entry only records that a credential helper has them
 * @throws an error that reveals nothing of the contents
 */
export function entryCredentials(entry: unknown): Credentials | undefined {
  if (entry === null) return undefined;
  const parsed = v.safeParse(EntrySchema, isObject(entry) ? goFields(entry, ENTRY_FIELDS) : entry);
  if (!parsed.success) throw new Error('its entry is not of the right shape');
  const { auth, username, password, identitytoken, registrytoken } = parsed.output;
  const login = auth === '' ? { username, password } : decode(auth);
  const found = { ...login, identityToken: identitytoken, registryToken: registrytoken };
  return login.username || identitytoken || registrytoken ? found : undefined;
}

/** Line breaks inside are ignored and padding may be missing: Go's decoders accept both. */
function decode(auth: string): Pick<Credentials, 'username' | 'password'> {
  const plain = auth.replace(/[\r\n]/g, '').trim();
  const text = /^[A-Za-z0-9+/]+={0,2}$/.test(plain) ? Buffer.from(plain, 'base64').toString() : '';
  const colon = text.indexOf(':');
  if (colon < 1) throw new Error('its entry is not the Base64 of "user:password"');
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replaceAll('\0', '') };
}
