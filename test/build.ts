import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** Builds what the tests run, and makes a folder for what they share, in `DIMGX_TEST_FOLDER`, until the run is over. */
export default async function setup(): Promise<() => Promise<void>> {
  await build();
  const folder = await mkdtemp(join(tmpdir(), 'dimgx-tests-'));
  await chmod(folder, 0o755);
  process.env.DIMGX_TEST_FOLDER = folder;
  return () => rm(folder, { recursive: true, force: true });
}

/**
 * Builds what the tests run, so that none sees code of yesterday. What is up to date is left alone: several runs at
 * once do not take it away from one another.
 */
async function build(): Promise<void> {
  if (await isUpToDate()) return;
  const [code] = await once(spawn(process.execPath, [`${ROOT}build.mjs`], { stdio: 'inherit' }), 'close');
  if (code !== 0) throw new Error('the build failed');
}

async function isUpToDate(): Promise<boolean> {
  const built = await stat(`${ROOT}build/.built`).catch(() => undefined);
  const sources = (await readdir(`${ROOT}src`, { recursive: true })).map((name) => `src/${name}`);
  const times = ['build.mjs', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'src', ...sources].map(
    async (name) => (await stat(ROOT + name)).mtimeMs,
  );
  return built !== undefined && built.mtimeMs > Math.max(...(await Promise.all(times)));
}
