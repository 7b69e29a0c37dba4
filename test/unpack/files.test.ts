import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { temporaryFolder } from '../helpers/members.js';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { runCommand } from '../helpers/run-command.js';
import { unpack } from '../helpers/unpack.js';

test.each([1, 511, 512, 1000, 65_536, 400_000])('contents arrive whole in pieces of %d bytes', async (piece) => {
  const dest = await temporaryFolder();
  const contents = Array.from({ length: 10 }, (_, i) => String.fromCharCode(97 + i).repeat(i ** (piece === 1 ? 3 : 5)));
  const entries = contents.map((content, i): RawEntry => ({ name: `f${i}`, content }));
  const total = contents.reduce((sum, { length }) => sum + length, 0);
  expect(await unpack(rawLayer(entries), { dest, piece })).toMatchObject({ files: 10, bytes: total });
  for (const [i, content] of contents.entries()) expect(await readFile(join(dest, `f${i}`), 'latin1')).toBe(content);
});

test.each(['gnu', 'posix --sparse-version=0.0', 'posix --sparse-version=0.1', 'posix --sparse-version=1.0'])(
  'holes stay holes: of a file that GNU tar stores as %s',
  async (format) => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'root'));
    const source = await open(join(folder, 'root/file'), 'w');
    for (let i = 0; i < 60; i++) await source.write(`stretch ${i}`, 100_000 * i);
    await source.write(Buffer.alloc(300_000, 'x'), 0, 300_000, 6_500_000);
    await source.truncate(9_000_000);
    await source.close();
    await runCommand('sh', ['-c', `tar -cSf ../layer.tar --format=${format} file`], { cwd: join(folder, 'root') });
    const { tar } = await flattenLayers([await readFile(join(folder, 'layer.tar'))]);
    for (const piece of [1000, tar.length]) {
      const dest = join(folder, `${piece}`);
      await unpack(tar, { dest, piece });
      const [made, original] = [await stat(join(dest, 'file')), await stat(join(folder, 'root/file'))];
      expect((await readFile(join(dest, 'file'))).equals(await readFile(join(folder, 'root/file')))).toBe(true);
      expect(made.blocks).toBeLessThanOrEqual(original.blocks + 16);
    }
  },
);

test('a hole of a terabyte costs nothing', async () => {
  const dest = await temporaryFolder();
  const size = 2 ** 40;
  const entries: readonly RawEntry[] = [
    { name: 'a', type: 'S', magic: 'gnu', content: 'x'.repeat(512), sparse: { map: [[size - 512, 512]], size } },
    { name: 'b', type: 'S', magic: 'gnu', sparse: { map: [[size, 0]], size } },
  ];
  expect(await unpack(rawLayer(entries), { dest })).toMatchObject({ files: 2, bytes: 512 });
  for (const name of ['a', 'b']) {
    const { size: length, blocks } = await stat(join(dest, name));
    expect(length).toBe(size);
    expect(blocks).toBeLessThan(64);
  }
});

test('an event loop with other work gets its turn while many files are written', async () => {
  const dest = await temporaryFolder();
  const entries = Array.from({ length: 5000 }, (_, i): RawEntry => ({ name: `${i % 10}/${i}`, content: 'x' }));
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  try {
    await unpack((await flattenLayers([entries])).tar, { dest });
  } finally {
    clearInterval(timer);
  }
  expect(turns).toBeGreaterThan(5);
});
