import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

/**
 * Gives this process, and those it starts, the environment of a user without any configuration, cache or engine, until
 * the test is over.
 *
 * @param files in the user's home, by name
 * @returns the home
 */
export async function newUser(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'dimgx-user-'));
  for (const [name, contents] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), contents);
  }
  const settings = {
    HOME: home,
    DIMGX_CACHE: join(home, 'cache'),
    DOCKER_CONFIG: join(home, '.docker'),
    REGISTRY_AUTH_FILE: join(home, 'auth.json'),
    XDG_CONFIG_HOME: join(home, '.config'),
    CONTAINERS_REGISTRIES_CONF: join(home, 'registries.conf'),
    DOCKER_HOST: `unix://${home}/no-engine`,
  };
  await writeFile(settings.CONTAINERS_REGISTRIES_CONF, files['registries.conf'] ?? '');
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toLowerCase(), undefined);
  }
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(home, { recursive: true, force: true });
  });
  return home;
}

/** A docker configuration that holds credentials for a registry. */
export function dockerConfig(registry: string, entry: Readonly<Record<string, string>>): string {
  return JSON.stringify({ auths: { [registry]: entry } });
}
