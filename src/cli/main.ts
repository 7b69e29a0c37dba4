import module from 'node:module';
import { join } from 'node:path';

// Node 22.1 and later can keep compiled code.
if ('enableCompileCache' in module) await keepCompiledCode(process.env);

const { run } = await import('./run.js');
process.exitCode = await run(process.argv.slice(2));

/**
 * Makes Node cache the code that it compiles, so that later starts are faster. The cache is in the user's own cache
 * folder, under the same rules. Node's default is a folder in the system's temporary folder, which could belong to
 * another user. Without a usable folder, nothing is cached.
 */
async function keepCompiledCode(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  if (!('enableCompileCache' in module && typeof module.enableCompileCache === 'function')) return;
  const { makeFolder } = await import('../base/io/folders.js');
  const { cachePlace, prepareCacheFolder } = await import('../cache/cache-folder.js');
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
