import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ErrorCode } from '#dimgx/errors.js';
import { temporaryFolder } from './members.js';
import { expectRefusal, type HostileRun } from './refusal.js';

/** Gives an archive to dimgx by all ways there are, and expects the same refusal of each: see `expectRefusal`. */
export async function expectRefusalAtEveryDoor(
  archive: Uint8Array,
  code: ErrorCode,
  run: HostileRun = {},
): Promise<void> {
  const path = join(await temporaryFolder(), 'image.tar');
  const unpacked = run.unpacked ?? archive.length;
  await writeFile(path, archive);
  await expectRefusal(path, code, run);
  await expectRefusal('-', code, { ...run, input: archive });
  await expectRefusal('-', code, { ...run, unpacked, input: gzipSync(archive, { level: 1 }) });
}
