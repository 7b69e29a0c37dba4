import { randomBytes } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeUserFolder } from '../../base/io/make-folder.js';
import { parsePrivate, readPrivateText } from '../../base/io/private-document.js';
import { replaceFile } from '../../base/io/replace-file.js';
import { isSystemError } from '../../base/io/system-error.js';
import { goFields, isObject } from '../../base/text/go-json.js';

/** A file of credentials, with all that dimgx knows nothing of. */
export type AuthDocument = Readonly<Record<string, unknown>>;

/** As docker and podman write it. */
const TAB = '\t';

/**
 * Changes a file of credentials, or makes it: what else is in it stays, and how it is indented. Only its owner can read it
 * afterwards. A symlink stays one; others see the old file or the new one.
 *
 * @param change gives the new document, or `undefined` to leave the file alone
 * @throws what the operating system says, or an error that tells nothing of what is in the file
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

/** The document with its entries changed; they stay under the name that it has for them, in whatever letter case. */
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
    // With sudo the home is another user's, who must be able to read it.
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
