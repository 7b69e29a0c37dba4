import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ErrorCode } from '#dimgx/errors.js';
import { temporaryFolder } from './members.js';
import { expectRefusal, type HostileRun } from './refusal.js';
import { inTurn } from './short-or-long.js';

/**
 * Passes an archive to dimgx in every possible way, or in one of them in turn, and expects the same refusal: see
 * `expectRefusal`.
 */
export async function expectRefusalAtEveryDoor(
  archive: Uint8Array,
  code: ErrorCode,
  run: HostileRun = {},
): Promise<void> {
  const path = join(await temporaryFolder(), 'image.tar');
  const unpacked = run.unpacked ?? archive.length;
  await writeFile(path, archive);
  const doors = [run, { ...run, input: archive }, { ...run, unpacked, input: gzipSync(archive, { level: 1 }) }];
  for (const door of inTurn(doors)) await expectRefusal(door.input ? '-' : path, code, door);
}
