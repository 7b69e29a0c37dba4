import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configOf, sha256 } from '../helpers/built-image.js';
import { lacks } from '../helpers/engines.js';
import { measureDimgx } from '../helpers/measure-dimgx.js';
import { archiveOf } from '../helpers/members.js';
import { diskFolder } from '../helpers/packed-layers.js';
import { rawEntry, rawTar } from '../helpers/raw-tar.js';
import { shortOrLong } from '../helpers/short-or-long.js';

const MIB = 2 ** 20;
const LAYERS = shortOrLong(4, 8);
/** In MiB: the first pass may use two windows of 128 MiB, the second one at the side of another. */
const PEAK = 480;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dimgx-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** An archive of layers of zeros, each with one file behind them. */
async function archive(pack: (layer: Uint8Array) => Uint8Array, mib: number, zeros: (i: number) => string) {
  const layers = Array.from({ length: LAYERS }, (_, i) =>
    rawTar(rawEntry({ name: zeros(i) }, Buffer.alloc(mib * MIB)), rawEntry({ name: `${i}` }, 'x')),
  );
  const config = configOf({ layers });
  const name = `${sha256(config)}.json`;
  const stored = layers.map((layer, i) => [`layer${i}`, pack(layer)] as const);
  const manifest = JSON.stringify([{ Config: name, Layers: stored.map(([path]) => path) }]);
  const path = join(folder, 'image.tar');
  await writeFile(path, await archiveOf([[name, config], ...stored, ['manifest.json', manifest]]));
  return path;
}

const by =
  (command: string, ...args: readonly string[]) =>
  (input: Uint8Array) =>
    execFileSync(command, [...args, '-q', '-c'], { input, maxBuffer: 2 ** 30 });

describe('many layers that each need much memory are not decoded side by side', () => {
  const cases = [
    ['zstd', by('zstd', '-1', '--long=27', '--zstd=wlog=27'), 130],
    ['gzip', (layer: Uint8Array) => gzipSync(layer, { level: 1 }), 66],
    ['xz', by('xz', '-9'), 66],
  ] as const;

  test.each(cases.slice(0, shortOrLong(2, 3)))('%s', async (command, pack, mib) => {
    if (command !== 'gzip' && lacks(command)) return;
    const path = await archive(pack, mib, (i) => `zeros${i}`);
    const run = await measureDimgx(['--tmp-dir', await diskFolder(), '-t', '/dev/null', path]);
    expect({ exitCode: run.exitCode, stderr: run.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(run.peak).toBeLessThan(PEAK);
  });

  test('of which only the last byte is needed', async () => {
    const path = await archive(
      (layer) => gzipSync(layer, { level: 1 }),
      66,
      () => 'zeros',
    );
    const run = await measureDimgx(['--tmp-dir', await diskFolder(), '-t', '/dev/null', path]);
    expect({ exitCode: run.exitCode, stderr: run.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(run.peak).toBeLessThan(200);
  });
});
