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
  'perl',
  'setfattr',
  'mount',
  'bash',
  'gzip',
];

/**
 * Whether something is missing here that a test needs: `root`, or a program that is looked for by its name. Every test that
 * starts a program which is not on each machine that has Node, git and tar is skipped where it is missing, and its name says
 * what it needs: `test.skipIf(lacks('xz', 'bzip2'))('… (needs xz and bzip2)', …)`. With `DIMGX_REQUIRE_ENGINES=1` (as in CI)
 * nothing counts as missing, and the test fails for want of it.
 *
 * A minimal Debian has bash, cat, find, grep, gzip, head, mke2fs, mkfifo, mount, perl, script, setpriv, sh, sleep, tar and
 * unshare; it lacks bzip2, curl, getfattr, openssl, python3, strace, xz and zstd.
 */
export function lacks(...needs: readonly string[]): boolean {
  return process.env.DIMGX_REQUIRE_ENGINES !== '1' && absent(needs).length > 0;
}

/** As `lacks`, for a test that names only what is missing: an end for its name, or nothing. */
export function whyNotHere(...needs: readonly string[]): string {
  return lacks(...needs) ? ` (this machine lacks ${absent(needs).join(', ')})` : '';
}

/** What a run against real engines needs and this machine lacks. */
export function missingTools(): string[] {
  return absent(['root', ...TOOLS]);
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
