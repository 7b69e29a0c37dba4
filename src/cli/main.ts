import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/*
 * Compiled code is kept, where Node can (22.1 and later), in the user's own cache: a start then costs less. The default, a
 * folder in the system's temporary one, could be another user's.
 */
if ('enableCompileCache' in module && typeof module.enableCompileCache === 'function') {
  module.enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'dimgx', 'compile-cache'));
}

const { run } = await import('./run.js');
process.exitCode = await run(process.argv.slice(2));
