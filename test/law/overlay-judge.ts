import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whyNotHere } from '../helpers/engines.js';
import { listOverlay } from '../helpers/overlay-mount.js';
import { runCommand } from '../helpers/run-command.js';
import { XATTR_READER } from '../helpers/xattrs.js';
import { decodedLayer } from './decoded-entry.js';
import type { Shown } from './judged.js';
import type { Stack } from './random-stack.js';

const UNPACK = fileURLToPath(new URL('unpack-layers.py', import.meta.url));

/**
 * What the kernel shows when the layers of each stack, each unpacked by itself, are mounted on one another.
 *
 * @param folder a temporary folder
 * @param literal see unpack-layers.py
 */
export async function shownByOverlay(stacks: readonly Stack[], folder: string, literal = false): Promise<Shown[]> {
  const unpacked = join(folder, 'layers');
  await mkdir(unpacked);
  try {
    const input = Buffer.from(JSON.stringify({ stacks: stacks.map((stack) => stack.map(decodedLayer)), literal }));
    const { stdout } = await runCommand('python3', [UNPACK], { cwd: unpacked, input });
    const failures: readonly (string | null)[] = JSON.parse(stdout.toString());
    const shown: Shown[] = [];
    for (const [i, failure] of failures.entries()) {
      const layers = (stacks[i] as Stack).map((_, layer) => join(unpacked, String(i), String(layer)));
      shown.push(failure === null ? { tree: await listOverlay(layers, folder) } : { refusal: failure });
    }
    return shown;
  } finally {
    await rm(unpacked, { recursive: true });
  }
}

/** Why this machine cannot mount overlays, as an end for the name of a test; empty when it can. */
export function whyNoOverlay(): string {
  const why = whyNotHere('root', 'mount', 'python3', XATTR_READER);
  if (why !== '' || process.env.DIMGX_REQUIRE_ENGINES === '1') return why;
  const folder = mkdtempSync(join(tmpdir(), 'dimgx-test-'));
  try {
    for (const name of ['a', 'b', 'm']) mkdirSync(join(folder, name));
    const options = { cwd: folder, stdio: 'ignore' } as const;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', 'ro,lowerdir=a:b', 'm'], options);
    execFileSync('umount', ['m'], options);
    return '';
  } catch {
    return ' (this machine cannot mount an overlay)';
  } finally {
    rmSync(folder, { recursive: true });
  }
}
