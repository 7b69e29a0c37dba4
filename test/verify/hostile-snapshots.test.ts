import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { extension, type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { flawsOf, reseal, snapshotBag, tamper } from '../helpers/snapshot-bag.js';

const LAYERS = [
  [
    { name: 'a', content: 'contents' },
    { name: 'b', type: '1', link: 'a' },
    { name: 'gone', content: 'gone' },
  ],
  [{ name: '.wh.gone' }],
] as const;

const MIB = 2 ** 20;

/** A snapshot with another tar, and manifests that say so. */
async function withTar(tar: Uint8Array, name = 'rootfs.tar'): Promise<string> {
  const bag = await snapshotBag(LAYERS);
  await rm(join(bag, 'data', name.replace(/\.tar.*/, '.tar')));
  await writeFile(join(bag, 'data', name), tar);
  await reseal(bag);
  return bag;
}

const a: RawEntry = { name: 'a', content: 'contents' };

describe('a tar that is none, or another than dimgx writes, is named, and ends nothing else', () => {
  test.each([
    ['nothing', Buffer.alloc(0), 'it ends too early'],
    ['one zero', Buffer.alloc(1), 'it ends too early'],
    ['text', Buffer.from('no tar'.repeat(1000)), 'checksum'],
    ['noise', Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i) % 251)), 'checksum'],
    ['no end mark', rawLayer([a], { zeroBlocks: 0 }), 'it ends too early'],
    ['half a header', rawLayer([a]).subarray(0, 200), 'it ends too early'],
    ['half of the contents', rawLayer([a]).subarray(0, 515), 'it ends too early'],
    ['something after its end', Buffer.concat([rawLayer([a]), rawLayer([a])]), 'something follows its end mark'],
    ['a byte after its end', Buffer.concat([rawLayer([a]), Buffer.from('x')]), 'something follows its end mark'],
    ['extensions of nothing', rawLayer([extension('x', '9 a=bcde\n')]), 'extension headers belong to no entry'],
    ['extensions of all', rawLayer([extension('g', '9 a=bcde\n'), a]), 'extension headers belong to no entry'],
    ['a malformed extension', rawLayer([extension('x', 'no record'), a]), 'PAX'],
    ['a negative size', rawLayer([{ ...a, size: -1 }]), 'size'],
    ['contents without end', rawLayer([{ ...a, size: 2 ** 53 - 1 }]), 'it ends too early'],
    ['an unknown type', rawLayer([{ name: 'a', type: 'Z' }]), 'type'],
    ['a link to nothing', rawLayer([{ name: 'b', type: '1', link: 'a' }]), '"b" is a hard link to "a", which has no'],
    ['a link to itself', rawLayer([{ name: 'b', type: '1', link: 'b' }]), '"b" is a hard link to "b", which has no'],
    ['a name of a million bytes', rawLayer([{ name: 'n'.repeat(MIB - 1) }]), 'over 4095'],
    ['a map that leads out of its file', rawLayer([sparse([[0, 9]], 5)]), 'sparse'],
  ])('%s', async (_, tar, why) => {
    const flaws = await flawsOf(await withTar(tar));
    const [own, ...more] = flaws.filter((flaw) => flaw.startsWith('data/rootfs.tar: '));
    expect([own, more]).toEqual([expect.stringMatching(new RegExp(`: cannot be read: .*${why}`)), []]);
    expect(flaws).toContainEqual(expect.stringMatching(/^data\/sha256sums: line \d+ /));
  });

  test.each([
    ['no gzip', Buffer.from('no gzip'), 'gzip data is damaged'],
    ['gzip that ends too early', gzipSync(rawLayer([a])).subarray(0, 40), 'gzip data is damaged'],
    ['gzip of no tar', gzipSync('no tar'.repeat(1000)), 'checksum'],
  ])('%s', async (_, tar, why) => {
    const flaws = await flawsOf(await withTar(tar, 'rootfs.tar.gz'));
    expect(flaws).toContainEqual(expect.stringMatching(new RegExp(`^data/rootfs.tar.gz: cannot be read: .*${why}`)));
  });

  test.each(['x', 'layer-0/x', 'layer-9/x', 'layer-1/x', 'layer-1-0123456789ab/x', 'layer-1e1/x', 'layer-1'])(
    'a tar of hidden versions with %s',
    async (name) => {
      const flaws = await flawsOf(await withTar(rawLayer([{ name, content: 'gone' }]), 'hidden.tar'));
      expect(flaws).toContain(`data/hidden.tar: has "${name}", which is in no folder of a layer`);
    },
  );

  test.each([
    ['another order', [LAYERS[0][2], LAYERS[0][0]]],
    ['an entry twice', [a, a, a]],
    ['a path out of the root', [{ ...a, name: '../../a' }]],
  ])('%s', async (_, entries) => {
    const flaws = await flawsOf(await withTar(rawLayer(entries as RawEntry[])));
    expect(flaws).toContainEqual(expect.stringMatching(/^data\/provenance.jsonl: line \d+ /));
    expect(flaws).toContainEqual(expect.stringMatching(/^data\/sha256sums: /));
  });
});

function sparse(map: readonly (readonly [number, number])[], size: number): RawEntry {
  return { name: 'a', type: 'S', magic: 'gnu', sparse: { map, size } };
}

describe('limits hold', () => {
  const limit = { limits: { maxSize: 10 * MIB } };

  test('for a tar that inflates without end', async () => {
    const zeros = gzipSync(Buffer.alloc(64 * MIB));
    const bag = await withTar(Buffer.concat(Array(20).fill(zeros)), 'rootfs.tar.gz');
    expect((await flawsOf(bag, limit)).at(-1)).toMatch(/^DIMGX_LIMIT_SIZE: data\/rootfs.tar.gz is larger than 10 MiB$/);
  });

  test('for contents that inflate without end', async () => {
    const head = rawLayer([{ ...a, size: 2 ** 40 }], { zeroBlocks: 0 }).subarray(0, 512);
    const bag = await withTar(gzipSync(Buffer.concat([head, Buffer.alloc(64 * MIB)])), 'rootfs.tar.gz');
    expect((await flawsOf(bag, limit)).at(-1)).toMatch(/^DIMGX_LIMIT_SIZE: /);
  });

  test('for a hole of a petabyte', async () => {
    const bag = await withTar(rawLayer([sparse([[2 ** 50, 0]], 2 ** 50)]));
    expect((await flawsOf(bag)).at(-1)).toMatch(/^DIMGX_LIMIT_SIZE: data\/rootfs.tar is larger than 1 TiB$/);
  });

  test('for entries', async () => {
    const bag = await withTar(rawLayer(Array.from({ length: 100 }, (_, i) => ({ name: `${i}` }))));
    const flaws = await flawsOf(bag, { limits: { maxEntries: 50 } });
    expect(flaws.at(-1)).toMatch(/^DIMGX_LIMIT_ENTRIES: data\/rootfs.tar has more than 50 entries$/);
  });
});

const RECORDS = ['data/provenance.jsonl', 'data/sha256sums', 'data/rootfs.mtree', 'data/rootfs.body'];

describe('a record', () => {
  test.each(RECORDS)('of one line without end is refused: %s', async (path) => {
    const bag = await snapshotBag(LAYERS);
    await truncate(join(bag, path), 100 * MIB);
    await reseal(bag);
    const line = `${path}, line \\d+: the line is longer than 16 MiB`;
    expect((await flawsOf(bag)).at(-1)).toMatch(new RegExp(`^DIMGX_BAG_INVALID: ${line}$`));
  });

  test.each(RECORDS)('that is a FIFO or a symlink is not opened: %s', async (path) => {
    const bag = await snapshotBag(LAYERS);
    await rm(join(bag, path));
    execFileSync('mkfifo', [join(bag, path)]);
    expect(await flawsOf(bag)).toContain(`${path}: is a FIFO, not a file`);
    await rm(join(bag, path));
    await symlink('/dev/zero', join(bag, path));
    expect(await flawsOf(bag)).toContain(`${path}: is a symlink, not a file`);
  });
});

/** Values of JSON that no record has. */
const ODD_VALUES = [
  ...['null', '-1', '0', '1.5', '1e999', '1e308', '9007199254740993', '4294967297', '"1"', '""', 'true', '[]', '{}'],
  ...['[null]', '[[[]]]', '{"layer":{}}', '[{"layer":-1,"inode":"x"}]', '"\\ud800"', '{"__proto__":{"layer":1}}'],
  `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
];

const KEYS = [
  ...['path', 'type', 'mode', 'uid', 'size', 'mtime', 'sha256', 'inode', 'nlink', 'layer', 'diffId', 'createdBy'],
  ...[
    'state',
    'hiddenBy',
    'aliveAs',
    'aliveAsBase64',
    'moreAliveAs',
    'shadows',
    'moreShadows',
    'implied',
    'pathBase64',
  ],
];

test.each(KEYS)('a line of provenance may have any value as %s: it is named', async (key) => {
  const bag = await snapshotBag(LAYERS);
  const path = 'data/provenance.jsonl';
  const text = await readFile(join(bag, path), 'latin1');
  for (const value of ODD_VALUES) {
    const changed = text.split('\n').map((line, i) => (i === 0 || line === '' ? line : withValue(line, key, value)));
    await writeFile(join(bag, path), changed.join('\n'), 'latin1');
    await reseal(bag);
    const flaws = await flawsOf(bag);
    expect([value.slice(0, 40), ...flaws]).toContainEqual(expect.stringMatching(/^data\/provenance.jsonl: /));
    expect(flaws.filter((flaw) => flaw.startsWith('DIMGX_'))).toEqual([]);
  }
});

function withValue(line: string, key: string, value: string): string {
  const all = JSON.parse(line) as Record<string, unknown>;
  const { [key]: _, ...rest } = all;
  return `{"${key}":${value},${JSON.stringify(rest).slice(1)}`;
}

test.each(['format', 'id', 'manifestDigest', 'tags', 'created', 'platform', 'layers'])(
  'the first line of provenance may have any value as %s: it is named',
  async (key) => {
    const bag = await snapshotBag(LAYERS);
    const path = 'data/provenance.jsonl';
    const [heading = '', ...lines] = (await readFile(join(bag, path), 'latin1')).split('\n');
    for (const value of ODD_VALUES) {
      await writeFile(join(bag, path), [withValue(heading, key, value), ...lines].join('\n'), 'latin1');
      await reseal(bag);
      const flaws = await flawsOf(bag);
      expect(flaws).toContainEqual(expect.stringMatching(/data\/provenance.jsonl/));
      expect(flaws.filter((flaw) => flaw.startsWith('DIMGX_'))).toEqual([]);
    }
  },
);

test.each([
  ...[
    'format',
    'imageId',
    'manifestDigest',
    'tags',
    'platform',
    'treeDigest',
    'source',
    'options',
    'entries',
    'layers',
  ],
  'warnings',
])('snapshot.json may have any value as %s', async (key) => {
  const bag = await snapshotBag(LAYERS);
  const text = await readFile(join(bag, 'snapshot.json'), 'utf8');
  for (const value of ODD_VALUES) {
    await writeFile(join(bag, 'snapshot.json'), withValue(text, key, value));
    await reseal(bag);
    const flaws = await flawsOf(bag);
    expect(flaws.filter((flaw) => !flaw.startsWith('snapshot.json: '))).toEqual([]);
  }
});

test.each(['data/image/config.json', 'data/image/manifest.json', 'snapshot.json'])(
  '%s may be anything, and nothing else is named for it',
  async (path) => {
    for (const text of ['', 'no JSON', '\0', '[', '{}', '[]', 'null', ...ODD_VALUES.slice(-2)]) {
      const bag = await snapshotBag(LAYERS);
      await tamper(bag, path, () => text);
      const flaws = await flawsOf(bag);
      expect(flaws.filter((flaw) => !flaw.startsWith(`${path}: `))).toEqual([]);
      if (path === 'snapshot.json') expect(flaws).toEqual(['snapshot.json: does not describe a snapshot']);
    }
  },
);

test('a document of more than 4 MiB is refused', async () => {
  const bag = await snapshotBag(LAYERS);
  await tamper(bag, 'snapshot.json', (text) => text + ' '.repeat(5 * MIB));
  expect((await flawsOf(bag)).at(-1)).toMatch(/^DIMGX_BAG_INVALID: .* has a snapshot.json of more than 4 MiB$/);
});

test('whatever is wrong, no file stays open', async () => {
  const openFiles = () => readdirSync('/proc/self/fd').length;
  const bags = [
    await snapshotBag(LAYERS),
    await withTar(Buffer.from('x')),
    await withTar(Buffer.alloc(0), 'hidden.tar'),
  ];
  await flawsOf(bags[0] as string);
  const before = openFiles();
  for (const bag of bags) await flawsOf(bag);
  expect(openFiles()).toBe(before);
});
