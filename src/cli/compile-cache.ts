import module from 'node:module';
import { join } from 'node:path';
import { makeFolder } from '../base/io/folders.js';
import { cachePlace, prepareCacheFolder } from '../cache/cache-folder.js';

/**
 * Makes Node cache the code that it compiles, where it can (22.1 and later), so that later starts are faster. The cache
 * is in the user's own cache folder, under the same rules. Node's default is a folder in the system's temporary folder,
 * which could belong to another user. Without a usable folder, nothing is cached.
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
    // The code is compiled at every start, as on older lines of Node.
  }
}
