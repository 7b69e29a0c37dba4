import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, inject, it } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the engine that all tests of a run share; empty when there is none. */
    dockerHost: string;
    /** Why there is no engine; empty when there is one. */
    noEngine: string;
  }
}

const TOOLS = [
  'dockerd',
  'docker',
  'podman',
  'skopeo',
  'mmdebstrap',
  'tar',
  'bsdtar',
  'getfattr',
  'mount',
  'bash',
  'gzip',
];

/**
 * Whether a program is missing that a test wants to compare with; for `skipIf`, beside a name that says so. With
 * `DIMGX_REQUIRE_ENGINES=1` (as in CI) none is, and the test fails for want of it.
 */
export function lacks(...tools: readonly string[]): boolean {
  return process.env.DIMGX_REQUIRE_ENGINES !== '1' && absent(tools).length > 0;
}

/**
 * Why a test cannot run here, as an end for its name: root or a program is missing. With `DIMGX_REQUIRE_ENGINES=1` it is
 * to run all the same, and to fail.
 */
export function whyNotHere(...needs: readonly string[]): string {
  if (process.env.DIMGX_REQUIRE_ENGINES === '1') return '';
  const isRoot = process.getuid?.() === 0;
  const missing = needs.filter((need) => (need === 'root' ? !isRoot : absent([need]).length > 0));
  return missing.length === 0 ? '' : ` (this machine lacks ${missing.join(', ')})`;
}

/** What a run against real engines needs and this machine lacks. */
export function missingTools(): string[] {
  const missing = absent(TOOLS);
  return process.getuid?.() === 0 ? missing : ['root', ...missing];
}

/**
 * A `describe` whose tests need the engines. Without them they are skipped, and the name says what is missing; with
 * `DIMGX_REQUIRE_ENGINES=1` (as in CI) that is a failure.
 */
export function describeWithEngines(name: string, tests: () => void): void {
  const noEngine = inject('noEngine');
  if (noEngine === '') describe(name, tests);
  else if (process.env.DIMGX_REQUIRE_ENGINES !== '1') describe.skip(`${name} (${noEngine})`, tests);
  else {
    it(name, () => {
      throw new Error(noEngine);
    });
  }
}

function absent(tools: readonly string[]): string[] {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return tools.filter((tool) => !folders.some((folder) => isExecutable(join(folder, tool))));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
