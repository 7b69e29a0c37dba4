import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import { pieceSink } from '#dimgx/base/io/byte-source.js';
import { type CompressionName, codecOf } from '#dimgx/compression/codecs.js';
import { nodeZstd } from '#dimgx/compression/zstd.js';
import { text } from '../helpers/codec-samples.js';
import { lacks } from '../helpers/engines.js';
import { shortOrLong } from '../helpers/short-or-long.js';

const MIB = 2 ** 20;
const TEXT = text(MIB);

interface Run {
  readonly name: CompressionName;
  readonly mebibytes: number;
  /** Writes it where this Node cannot. */
  readonly program: string;
}

const RUNS: readonly Run[] = [
  // more bytes than its trailer can count
  { name: 'gzip', mebibytes: shortOrLong(20, 4100), program: 'gzip' },
  // more than a signed number of 32 bits holds
  { name: 'zstd', mebibytes: shortOrLong(20, 2100), program: 'zstd' },
  // these count nothing but blocks
  { name: 'bzip2', mebibytes: shortOrLong(20, 60), program: 'bzip2' },
  { name: 'xz', mebibytes: shortOrLong(20, 200), program: 'xz' },
];

async function encoderOf({ name, program }: Run): Promise<Duplex> {
  if (name === 'zstd' && !nodeZstd()) {
    const { stdin, stdout } = spawn(program, ['-1', '-c'], { stdio: ['pipe', 'pipe', 'inherit'] });
    return Duplex.from({ writable: stdin, readable: stdout });
  }
  return (await codecOf(name).loadEncoder())({ level: 1, threads: 2 });
}

describe('gigabytes, or twenty megabytes in the short form, come back as they were', () => {
  for (const run of RUNS) {
    test.skipIf(lacks(run.program))(
      `through ${run.name} (needs ${run.program})`,
      async () => {
        const { name, mebibytes } = run;
        const decoder = (await codecOf(name).loadDecoder())();
        const [given, got] = [createHash('sha256'), createHash('sha256')];
        let length = 0;
        function* pieces() {
          for (let i = 0; i < mebibytes; i++) {
            const piece = Buffer.alloc(MIB);
            TEXT.copy(piece, i % 1000, 0, MIB / 16);
            given.update(piece);
            yield piece;
          }
        }
        const sink = pieceSink((piece) => {
          got.update(piece);
          length += piece.length;
        });
        await pipeline(pieces(), await encoderOf(run), decoder, sink);
        expect(length).toBe(mebibytes * MIB);
        expect(got.digest('hex')).toBe(given.digest('hex'));
      },
      300_000,
    );
  }
});
