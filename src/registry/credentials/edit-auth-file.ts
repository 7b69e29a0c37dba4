import { randomBytes } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeUserFolder } from '../../base/io/folders.js';
import { parsePrivate, readPrivateText, replaceFile } from '../../base/io/regular-file.js';
import { goFields, isObject } from '../../base/text/go-json.js';
import { isSystemError } from '../../errors.js';

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
  const document = text.trim() === '' ? null : parsePrivate(text);
  if (typeof document !== 'object' || Array.isArray(document)) throw new Error('it is no JSON object');
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
