import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const BUILD = fileURLToPath(new URL('../build.mjs', import.meta.url));

/** Builds what the tests run, so that none sees code of yesterday. */
export default async function build(): Promise<void> {
  const [code] = await once(spawn(process.execPath, [BUILD], { stdio: ['ignore', 'inherit', 'inherit'] }), 'close');
  if (code !== 0) throw new Error('the build failed');
}
