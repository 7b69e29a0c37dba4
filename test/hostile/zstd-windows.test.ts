import { describe, test } from 'vitest';
import { diffIdOf, layerOf } from '../helpers/built-image.js';
import { writeArchive } from '../helpers/members.js';
import { rawFrame } from '../helpers/raw-zstd.js';
import { expectRefusal } from '../helpers/refusal.js';
import { inTurn, shortOrLong } from '../helpers/short-or-long.js';
import { storedLayer } from '../helpers/stored-layer.js';

const MIB = 2 ** 20;
const filler = Buffer.alloc(shortOrLong(12, 40) * MIB, 'x');
const diffId = diffIdOf(await layerOf({ a: 'x' }));

/**
 * What these ask of a decoder is memory: a window, a dictionary, a block size. It is refused before any room is made
 * for it, and of the rest no more is read than comes at once.
 */
describe('compression with a window of any size costs nothing, as it is not read', () => {
  test.each<[string, Buffer]>([
    ['zstd with a window of 3.75 TiB', Buffer.from('28b52ffd00ff', 'hex')],
    ['zstd of one segment of 16 EiB', Buffer.from('28b52ffde0ffffffffffffffff', 'hex')],
    ['zstd with a window of just more than 128 MiB', rawFrame(filler.subarray(0, 9), { window: 137, sizeBytes: 0 })],
    ['xz with a dictionary of 4 GiB', Buffer.from('fd377a585a0000016922de360200210128000000e6a011b3', 'hex')],
    ['xz with a dictionary of 96 MiB', Buffer.from('fd377a585a0000016922de36020021011d00000075a8e474', 'hex')],
  ])('%s', async (_, head) => {
    const archive = await writeArchive(storedLayer(Buffer.concat([head, filler]), diffId));
    const bounds = { unpacked: MIB, peak: 150 };
    const input = Buffer.concat([head, filler]);
    for (const run of inTurn([{}, { args: ['--no-verify'] }, { input }])) {
      await expectRefusal('input' in run ? '-' : archive, 'DIMGX_COMPRESSION_UNSUPPORTED', { ...bounds, ...run });
    }
  });
});

test('zstd that ends at once is damaged, whatever follows', async () => {
  const input = Buffer.concat([Buffer.from('28b52ffd', 'hex'), filler]);
  const archive = await writeArchive(storedLayer(input, diffId));
  await expectRefusal(archive, 'DIMGX_COMPRESSION_CORRUPT', { unpacked: MIB });
  await expectRefusal('-', 'DIMGX_COMPRESSION_CORRUPT', { unpacked: MIB, input });
});
