import { describe, expect, test } from 'vitest';
import { diffIdOf } from '../helpers/built-image.js';
import { writeArchive } from '../helpers/members.js';
import { rawEntry } from '../helpers/raw-tar.js';
import { rawFrame, runFrame, skippableFrame } from '../helpers/raw-zstd.js';
import { expectRefusal } from '../helpers/refusal.js';
import { shortOrLong } from '../helpers/short-or-long.js';
import { storedLayer } from '../helpers/stored-layer.js';

const MIB = 2 ** 20;
const diffId = diffIdOf(Buffer.alloc(1));
/** What may be unpacked, and how much that is: read, hashed and spooled it counts several times. */
const UNPACKED = shortOrLong(20, 100) * MIB;
const LIMIT = ['--max-size', `${UNPACKED}`];

/** Of 32 KiB: a GiB of zeros behind a header that promises ten. */
const SIZE = '\x80\0\0\0\0\0\0\x02\x80\0\0\0';
const HEADER = rawFrame(rawEntry({ name: 'zeros', patch: { 124: SIZE } }).subarray(0, 512));
const BOMB = Buffer.concat([HEADER, runFrame(0, 8192)]);

describe('zstd that inflates without end', () => {
  test('as a layer ends at --max-size, and holds no more than a window', async () => {
    expect(BOMB.length).toBeLessThan(34_000);
    const path = await writeArchive(storedLayer(BOMB, diffId));
    await expectRefusal(path, 'DIMGX_LIMIT_SIZE', { args: LIMIT, unpacked: UNPACKED, peak: 150 });
    const unverified = [...LIMIT, '--no-verify'];
    await expectRefusal(path, 'DIMGX_LIMIT_SIZE', { args: unverified, unpacked: UNPACKED, peak: 150 });
  });

  test('as an archive ends there too', async () => {
    await expectRefusal('-', 'DIMGX_LIMIT_SIZE', { args: LIMIT, unpacked: UNPACKED, peak: 150, input: BOMB });
  });

  test('or consists of frames that hold nothing costs no more than they are long', async () => {
    const empty = rawFrame(Buffer.alloc(0));
    const frames = Buffer.concat(Array(20_000).fill(Buffer.concat([empty, skippableFrame(Buffer.alloc(0))])));
    const path = await writeArchive(storedLayer(frames, diffId));
    await expectRefusal(path, 'DIMGX_IMAGE_DIGEST_MISMATCH', { unpacked: 8 * frames.length });
  });
});
