import { describe, expect, test } from 'vitest';
import { diffIdOf } from '../helpers/built-image.js';
import { lacks } from '../helpers/engines.js';
import { writeArchive } from '../helpers/members.js';
import { rawEntry } from '../helpers/raw-tar.js';
import { expectRefusal } from '../helpers/refusal.js';
import { runShell } from '../helpers/run-command.js';
import { shortOrLong } from '../helpers/short-or-long.js';
import { storedLayer } from '../helpers/stored-layer.js';

const MIB = 2 ** 20;
/** What may be unpacked, and how much that is: read, hashed and spooled it counts several times. */
const UNPACKED = shortOrLong(20, 100) * MIB;
const LIMIT = ['--max-size', `${UNPACKED}`];
const SIZE = '\x80\0\0\0\0\0\0\x02\x80\0\0\0';
/** Of an entry that promises ten GiB. */
const HEADER = rawEntry({ name: 'zeros', patch: { 124: SIZE } }).subarray(0, 512);

/** More zeros behind that header than may be unpacked: ten times as many, or three. */
async function bomb(command: string): Promise<Buffer> {
  const script = `{ printf %s ${HEADER.toString('base64')} | base64 -d; head -c ${shortOrLong(64, 512) * MIB} /dev/zero; } | ${command}`;
  return (await runShell(script)).stdout;
}

/** The most that a decoder holds, in MiB, beside what every run takes: a block of zeros here, a dictionary there. */
describe.skipIf(lacks('bzip2', 'xz')).each([
  ['bzip2', 'bzip2 -9', 250],
  ['bzip2 in many streams', 'split -b 900000 --filter="bzip2 -9"', 250],
  ['xz', 'xz -9 -T1', 280],
])('%s that inflates without end (needs bzip2 and xz)', (_, command, peak) => {
  test('ends at --max-size, as a layer and as an archive', async () => {
    const bytes = await bomb(command);
    expect(bytes.length).toBeLessThan(200_000);
    const bounds = { args: LIMIT, unpacked: UNPACKED, peak };
    const path = await writeArchive(storedLayer(bytes, diffIdOf(Buffer.alloc(1))));
    await expectRefusal(path, 'DIMGX_LIMIT_SIZE', bounds);
    await expectRefusal('-', 'DIMGX_LIMIT_SIZE', { ...bounds, input: bytes });
  });
});
