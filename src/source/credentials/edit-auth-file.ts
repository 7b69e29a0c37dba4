import { randomBytes } from 'node:crypto';
import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parsePrivate, readPrivateText } from '../../file/private-document.js';
import { replaceFile } from '../../file/replace-file.js';
import { isSystemError } from '../../file/system-error.js';

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

async function replace(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = join(dirname(path), `.dimgx-${randomBytes(6).toString('hex')}`);
  const old = await stat(path).catch(ifAbsent(undefined));
  await replaceFile(path, temporary, async (file) => {
    // With sudo it may be another user's.
    if (old && old.uid !== process.getuid?.()) await file.chown(old.uid, old.gid);
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
