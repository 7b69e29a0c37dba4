import { describe, expect, test } from 'vitest';
import { sha256 } from '../../helpers/built-image.js';
import { expectLinearWork } from '../../helpers/linear-work.js';
import { measureDimgx } from '../../helpers/measure-dimgx.js';
import type { Member } from '../../helpers/members.js';
import { writeArchive } from '../../helpers/members.js';
import { expectBounded, expectRefusal } from '../../helpers/refusal.js';
import { shortOrLong } from '../../helpers/short-or-long.js';

/** Documents whose few bytes ask for much work. */
const MIB = 2 ** 20;
const EMPTY = `sha256:${sha256('')}`;
const configOfEmpty = (layers: number) => JSON.stringify({ rootfs: { diff_ids: Array(layers).fill(EMPTY) } });

describe('work grows as the documents do: so many', () => {
  test('images of one config', async () => {
    const make = (n: number) => ({ c: '{}', 'manifest.json': `[${Array(n).fill('{"Config":"c"}')}]` });
    const { bytes } = await expectLinearWork(make, 30_000, { args: ['-q'] });
    expect(bytes).toBeLessThan(8 * MIB); // the config is read once
  });

  test('images below an image of many layers', async () => {
    const make = (n: number) => {
      const config = configOfEmpty(n);
      const tip = { Config: `${sha256(config)}.json`, RepoTags: ['tip:1'], Layers: Array(n).fill('l') };
      const manifest = JSON.stringify([tip, ...Array(n).fill({ Config: 'c' })]);
      return { [tip.Config]: config, c: configOfEmpty(1), l: '', 'manifest.json': manifest };
    };
    await expectLinearWork(make, 2500, { args: ['-q', '--image', 'tip:1'] });
  });

  test('layers', async () => {
    const make = (n: number) => {
      const names = Array.from({ length: n }, (_, i) => `l${i}`);
      const manifest = JSON.stringify([{ Config: 'c', Layers: names }]);
      const layers = Object.fromEntries(names.map((name) => [name, '']));
      return { c: configOfEmpty(n), 'manifest.json': manifest, ...layers };
    };
    await expectLinearWork(make, 2500);
  });

  test('layers through links', async () => {
    const make = (n: number) => {
      const links = Array.from({ length: 20 }, (_, i) => [
        `s${i}`,
        { type: 'symlink' as const, linkname: `s${i + 1}` },
      ]);
      const manifest = JSON.stringify([{ Config: 'c', Layers: Array(n).fill('s0/l') }]);
      return { c: configOfEmpty(n), 'manifest.json': manifest, ...Object.fromEntries(links), 's20/l': '' };
    };
    await expectLinearWork(make, 1000, { args: ['-q'] });
  });

  test('tags of one layer', async () => {
    const id = 'a'.repeat(64);
    const make = (n: number) => {
      const tags = Object.fromEntries(Array.from({ length: n }, (_, i) => [`t${i}`, id]));
      return { repositories: JSON.stringify({ x: tags }), [`${id}/json`]: '{}', [`${id}/layer.tar`]: '' };
    };
    await expectLinearWork(make, 12_000, { args: ['-q'], peak: 160 });
  });

  test('colons in a name', async () => {
    const make = (n: number) => ({
      c: '{}',
      'manifest.json': JSON.stringify([{ Config: 'c', RepoTags: [`${':'.repeat(n)}/`] }]),
    });
    // in the short form a quarter of the long one's
    await expectLinearWork(make, shortOrLong(4_000_000, 1_000_000), { args: ['-q', '--image', 'x'], exitCode: 2 });
  });

  test('steps of history, one of them long', async () => {
    const make = (n: number) => {
      const history = [{ created_by: 'x'.repeat(10 * n), empty_layer: true }, ...Array(n).fill({ empty_layer: true })];
      return { c: JSON.stringify({ history }), 'manifest.json': '[{"Config":"c"}]' };
    };
    const { stdout } = await expectLinearWork(make, 10_000, { args: [] });
    expect(stdout.length).toBeLessThan(8 * MIB);
  });
});

test('tens of thousands of tiny documents are refused', async () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `c${i}`);
  const members: Record<string, Member> = Object.fromEntries(names.map((name) => [name, '{}']));
  members['manifest.json'] = JSON.stringify(names.map((name) => ({ Config: name })));
  await expectRefusal(await writeArchive(members), 'DIMGX_IMAGE_DOCUMENT_TOO_LARGE');
});

test('thousands of layers through the longest of links are refused', async () => {
  const links = Array.from({ length: 39 }, (_, i) => [
    `s${i}`,
    { type: 'symlink' as const, linkname: `${'d/../'.repeat(5000)}s${i + 1}` },
  ]);
  const layers = Array.from({ length: 1000 }, (_, i) => `l${i}`);
  const manifest = JSON.stringify([{ Config: 'c', Layers: layers.map((name) => `s0/${name}`) }]);
  const files = Object.fromEntries(layers.map((name) => [`s39/${name}`, '']));
  const members = { c: configOfEmpty(1000), 'manifest.json': manifest, ...Object.fromEntries(links), ...files };
  // Bounded by what is followed, 64 MiB, not by the archive.
  await expectRefusal(await writeArchive(members), 'DIMGX_SOURCE_BAD_MEMBER', { unpacked: 64 * MIB });
});

test('an image of as many layers as a config holds is flattened in the memory of one', async () => {
  const count = shortOrLong(5000, 20_000);
  const names = Array.from({ length: count }, (_, i) => `l${i}`);
  const manifest = JSON.stringify([{ Config: 'c', Layers: names }]);
  const layers = Object.fromEntries(names.map((name) => [name, '']));
  const path = await writeArchive({ c: configOfEmpty(count), 'manifest.json': manifest, ...layers });
  const { exitCode, ...work } = await measureDimgx(['-t', '/dev/null', path]);
  expect(exitCode).toBe(0);
  expectBounded(work, count * 1024, 500);
});
