import module from 'node:module';

// Node 22.1 and later can keep compiled code.
if ('enableCompileCache' in module) {
  const { keepCompiledCode } = await import('./compile-cache.js');
  await keepCompiledCode();
}

const { run } = await import('./run.js');
process.exitCode = await run(process.argv.slice(2));
