import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { nodeZstd } from '#dimgx/compression/zstd.js';
import { runFrame } from '../helpers/raw-zstd.js';
import { runCommand } from '../helpers/run-command.js';
import { shortOrLong } from '../helpers/short-or-long.js';

const MODULES = new URL('../../build/compression/', import.meta.url).href;

/** What a program does: streams that it leaves must let it come to its end, and hold nothing. */
const PROGRAM = `
  const [modules, name, side, pieces, stored] = process.argv.slice(1);
  const { codecOf } = await import(modules + 'codecs.js');
  const codec = codecOf(name);
  const make = side === 'encoder' ? await codec.loadEncoder() : await codec.loadDecoder();
  const stream = side === 'encoder' ? make({ level: codec.levels.highest, threads: 2 }) : make();
  const piece = side === 'encoder' ? Buffer.alloc(5e6, 'layers ') : Buffer.from(stored, 'base64');
  const failure = new Error('enough');
  const told = new Promise((resolve) => stream.on('error', resolve));
  const closed = new Promise((resolve) => stream.on('close', resolve));
  for (let i = 0; i < Number(pieces); i++) stream.write(piece, () => undefined);
  if (Number(pieces) > 2) await new Promise((resolve) => setTimeout(resolve, 50));
  stream.destroy(failure);
  if ((await told) !== failure) throw new Error('another error');
  await closed;
  process.on('beforeExit', () => console.log('done', process.getActiveResourcesInfo().join()));
`;

const STORED = {
  gzip: gzipSync(Buffer.alloc(5e6)),
  zstd: runFrame(0x78, 100),
  bzip2: Buffer.from('QlpoOTFBWSZTWabi8/QAJkvAAsAACAAACCAAMMwFKaapEUbAoijxdyRThQkKbi8/QA==', 'base64'),
  xz: Buffer.from(
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj56EfAIxdAABv/f//o7f/Rz5IFXI5YVG4kijmo4YH+e7kHoLTL8U6PAFLsX7JiopNL6MN2X+m44wjEVPgWRjFdYrid/i2lH8MasDedElk4ulcU7IE2PdEDKtfDW1G6eXDdoi3llestk3haR1v+0uIEGxCy4g/XACP0E6vJiiUcR89jyThcJ6nI1/sKMuFzbGsRQAAALK4B3n5xC6uAAGoAaDCHgAaCnsAscRn+wIAAAAABFla',
    'base64',
  ),
};

describe.each(['gzip', 'zstd', 'bzip2', 'xz'] as const)('a stream of %s that is destroyed', (name) => {
  const sides = name === 'zstd' && !nodeZstd() ? ['decoder'] : ['encoder', 'decoder'];
  test.each(sides)('as %s leaves nothing that keeps a program from its end', async (side) => {
    for (const pieces of shortOrLong([0, 3], [0, 1, 3])) {
      const stored = STORED[name].toString('base64');
      const args = ['--input-type=module', '-e', PROGRAM, MODULES, name, side, String(pieces), stored];
      const { stdout, stderr } = await runCommand(process.execPath, args);
      expect(stderr).toBe('');
      expect(stdout.toString()).toMatch(/^done (PipeWrap,?)*\n$/);
    }
  });
});
