import { type DimgxError, throwIfAborted } from '../../errors.js';
import { type AuthFile, readAuthFile } from './auth-file.js';
import { askHelper, clearHelper, listHelper } from './credential-helper.js';
import {
  helperOptions,
  type LoginPlace,
  type LoginRequest,
  loginPlaces,
  removeEntries,
  withLoginErrors,
} from './login.js';
import { isPattern } from './server-key.js';

/** Credentials that were removed. */
export interface RemovedLogin {
  /** The key for the registry in the file or in its helper. */
  readonly key: string;
  /** Path of the file. */
  readonly path: string;
}

/**
 * Removes all credentials from every file that dimgx searches, and from the helpers those files name. A failure in one
 * place does not stop the others from being emptied.
 *
 * @returns the logins removed, and the failures
 * @throws DIMGX_ABORTED
 */
export async function removeAllLogins(
  request: Omit<LoginRequest, 'registry'>,
): Promise<{ readonly removed: readonly RemovedLogin[]; readonly failures: readonly DimgxError[] }> {
  const removed: RemovedLogin[] = [];
  const failures: DimgxError[] = [];
  const attempt = async (place: LoginPlace, work: () => Promise<readonly string[]>) => {
    try {
      const keys = await withLoginErrors(place, 'removed from', request.signal, work);
      removed.push(...keys.map((key) => ({ key, path: place.path })));
    } catch (failure) {
      throwIfAborted(request.signal);
      failures.push(failure as DimgxError);
    }
  };
  for (const place of loginPlaces(request)) {
    let file: AuthFile | undefined;
    await attempt(place, async () => {
      file = await readAuthFile(place.path);
      return [];
    });
    if (!file) continue;
    const keys = [...file.entries.keys()];
    for (const { program, server } of await keptByPrograms(place, file, request)) {
      await attempt(place, async () =>
        (await clear(program, server, request)) && !keys.includes(server) ? [server] : [],
      );
    }
    await attempt(place, async () => {
      if (keys.length > 0) await removeEntries(place, keys);
      return keys;
    });
  }
  return { removed: unique(removed), failures };
}

interface Kept {
  readonly program: string;
  readonly server: string;
}

/** Logins that helpers may hold: those they list themselves, and those the file attributes to them. */
async function keptByPrograms(
  { kind }: LoginPlace,
  { helper, helpers, entries }: AuthFile,
  request: Omit<LoginRequest, 'registry'>,
): Promise<readonly Kept[]> {
  const common = kind === 'docker' ? helper : undefined;
  const listed = common === undefined ? [] : await listHelper(common, helperOptions(request)).catch(() => []);
  const ofCommon = common === undefined ? [] : [...new Set([...listed, ...entries.keys()])];
  const own = [...helpers].filter(([key, program]) => program !== '' && !isPattern(key));
  return [
    ...ofCommon.filter((server) => !helpers.has(server)).map((server) => ({ program: common as string, server })),
    ...own.map(([server, program]) => ({ program, server })),
  ];
}

async function clear(program: string, server: string, request: Omit<LoginRequest, 'registry'>): Promise<boolean> {
  const options = helperOptions(request);
  if ((await askHelper(program, server, options)) === undefined) return false;
  await clearHelper(program, server, options);
  return true;
}

function unique(logins: readonly RemovedLogin[]): readonly RemovedLogin[] {
  return [...new Map(logins.map((login) => [`${login.path}\0${login.key}`, login])).values()];
}
