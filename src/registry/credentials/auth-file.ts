import { randomBytes } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { configFolder, type Environment, homeFolder, makeUserFolder } from '../../base/io/folders.js';
import { readPrivateText, replaceFile } from '../../base/io/regular-file.js';
import { goFields, isObject, parseGoJson, tryParseJson } from '../../base/text/go-json.js';
import { printable } from '../../base/text/printable.js';
import { DimgxError, isSystemError } from '../../errors.js';

/** What a registry is shown to log in. Unknown fields are empty. None of it may appear in a message. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** Exchanged for a token; takes precedence over the password. */
  readonly identityToken: string;
  /** A token that is sent unchanged. */
  readonly registryToken: string;
}

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
  if (!parsed.success || !(document === null || isObject(document)))
    throw new Error('it does not have the required structure');
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
  if (!parsed.success) throw new Error('its entry does not have the required structure');
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

/** A credentials file, including all fields that dimgx does not know. */
export type AuthDocument = Readonly<Record<string, unknown>>;

/** The indentation that docker and podman write. */
const TAB = '\t';

/**
 * Changes a credentials file, or creates it. The rest of its contents and its indentation are kept. Afterwards only its
 * owner can read it. A symlink remains a symlink. Other processes see either the old file or the new one.
 *
 * @param change returns the new document, or `undefined` to leave the file alone
 * @throws the operating system's error, or an error that reveals nothing of the contents
 */
export async function editAuthFile(
  path: string,
  change: (document: AuthDocument) => AuthDocument | undefined,
): Promise<void> {
  const real = await realpath(path).catch(ifAbsent(path));
  const text = await readPrivateText(real).catch(ifAbsent(''));
  const document = text.trim() === '' ? null : tryParseJson(text);
  if (typeof document !== 'object' || Array.isArray(document)) throw new Error('it is not a JSON object');
  const changed = change((document ?? {}) as AuthDocument);
  if (changed === undefined) return;
  const [, indent = TAB] = /\n([ \t]+)"/.exec(text) ?? [];
  await replace(real, `${JSON.stringify(changed, null, indent)}${text === '' || text.endsWith('\n') ? '\n' : ''}`);
}

/** Returns the document with its entries changed. They stay under the key it already uses, in whatever letter case. */
export function withEntries(document: AuthDocument, change: (entries: AuthDocument) => AuthDocument): AuthDocument {
  const names = Object.keys(document).filter((name) => name.toLowerCase() === 'auths');
  const { auths } = goFields(document, ['auths']);
  const changed = change(isObject(auths) ? auths : {});
  const [first = 'auths', ...others] = names;
  const kept = Object.entries(document).filter(([name]) => !others.includes(name));
  return { ...Object.fromEntries(kept), [first]: changed };
}

async function replace(path: string, text: string): Promise<void> {
  await makeUserFolder(dirname(path));
  const temporary = join(dirname(path), `.dimgx-${randomBytes(6).toString('hex')}`);
  const old = await stat(path).catch(ifAbsent(undefined));
  await replaceFile(path, temporary, async (file) => {
    // Under sudo the home folder belongs to another user, who must be able to read the file.
    const self = process.getuid?.();
    const owner = old ?? (self === 0 ? await stat(dirname(path)) : undefined);
    if (owner && owner.uid !== self) await file.chown(owner.uid, owner.gid);
    await file.writeFile(text);
    await file.sync();
  });
}

function ifAbsent<T>(value: T): (failure: unknown) => T {
  return (failure) => {
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR')) return value;
    throw failure;
  };
}
