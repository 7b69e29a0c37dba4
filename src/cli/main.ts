import { keepCompiledCode } from './compile-cache.js';

await keepCompiledCode(process.env);
const { run } = await import('./run.js');
process.exitCode = await run(process.argv.slice(2));
