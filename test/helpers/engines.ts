import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, inject, it } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Host of the engine that all tests of a run share; empty if there is none. */
    dockerHost: string;
    /** Why there is no engine; empty if there is one. */
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
  'perl',
  'setfattr',
  'mount',
  'bash',
  'gzip',
];

/**
 * Whether this machine lacks something that a test needs: `root`, or a program, by name. A test must be skipped without
 * the programs it starts, unless every machine with Node, git and tar has them. Its name says what it needs:
 * `test.skipIf(lacks('xz', 'bzip2'))('… (needs xz and bzip2)', …)`. With `DIMGX_REQUIRE_ENGINES=1` (as in CI) nothing
 * counts as missing, so the test fails instead.
 *
 * A minimal Debian has bash, cat, find, grep, gzip, head, mke2fs, mkfifo, mount, perl, script, setpriv, sh, sleep, tar
 * and unshare; it lacks bzip2, curl, getfattr, openssl, python3, strace, xz and zstd.
 */
export function lacks(...needs: readonly string[]): boolean {
  return process.env.DIMGX_REQUIRE_ENGINES !== '1' && absent(needs).length > 0;
}

/** Like `lacks`, but returns a suffix for the test's name that lists only what is missing; empty if nothing is. */
export function whyNotHere(...needs: readonly string[]): string {
  return lacks(...needs) ? ` (this machine lacks ${absent(needs).join(', ')})` : '';
}

/** What a run against real engines needs and this machine lacks. */
export function missingTools(): string[] {
  return absent(['root', ...TOOLS]);
}

/**
 * A `describe` for tests that need the engines. Without engines they are skipped, and the name says what is missing;
 * with `DIMGX_REQUIRE_ENGINES=1` (as in CI) they fail instead.
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

function absent(needs: readonly string[]): string[] {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return needs.filter((need) =>
    need === 'root' ? process.getuid?.() !== 0 : !folders.some((folder) => isExecutable(join(folder, need))),
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
