import module from 'node:module';
import { join } from 'node:path';
import { makeFolder } from '../base/io/make-folder.js';
import { cachePlace, prepareCacheFolder } from '../cache/cache-folder.js';

/**
 * Has Node keep the code that it compiles, where it can (22.1 and later): a start then costs less. It is kept in the user's
 * own cache, under the same rules: Node's default, a folder in the system's temporary one, could be another user's.
 * Without a usable folder nothing is kept.
 */
export async function keepCompiledCode(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  if (!('enableCompileCache' in module && typeof module.enableCompileCache === 'function')) return;
  const place = cachePlace({ ...env, DIMGX_CACHE: undefined });
  const folder = join(place.path, 'compile-cache');
  try {
    await prepareCacheFolder(place);
    await makeFolder(folder, 0o700);
    module.enableCompileCache(folder);
  } catch {
    // The code is compiled anew, as on older lines of Node.
  }
}
