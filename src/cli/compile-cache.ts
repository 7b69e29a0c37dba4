import module from 'node:module';
import { makeCacheFolder } from '../cache.js';

/**
 * Makes Node cache the code that it compiles, so that later starts are faster. The cache is in the user's own cache
 * folder, under the same rules. Node's default is a folder in the system's temporary folder, which could belong to
 * another user. Without a usable folder, nothing is cached.
 */
export async function keepCompiledCode(): Promise<void> {
  if (!('enableCompileCache' in module && typeof module.enableCompileCache === 'function')) return;
  try {
    module.enableCompileCache(await makeCacheFolder('compile-cache'));
  } catch {
    // The code is compiled at every start, as on older lines of Node.
  }
}
