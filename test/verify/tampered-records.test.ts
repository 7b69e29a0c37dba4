import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RawEntry } from '../helpers/raw-layer.js';
import { shortOrLong } from '../helpers/short-or-long.js';
import { flawsOf, snapshotBag, tamper } from '../helpers/snapshot-bag.js';

const DEVICES: readonly RawEntry[] = [
  { name: 'dev/null', type: '3', device: [1, 3], mode: 0o666 },
  { name: 'dev/zero', type: '1', link: 'dev/null', mode: 0o666 },
  { name: 'dev/disk', type: '4', device: [8, 1] },
];

/** Two layers that give every record every kind of line, and every line everything that it can have. */
const LAYERS: readonly (readonly RawEntry[])[] = [
  [
    { name: './', type: '5', mode: 0o755, mtime: 1 },
    { name: 'etc/', type: '5', mode: 0o755, mtime: 2 },
    { name: 'etc/key', content: 'a key', mode: 0o600, uid: 1, gid: 2, pax: [['mtime', '3.5']] },
    { name: 'etc/cap', content: 'x', pax: [['SCHILY.xattr.user.a', 'b']] },
    { name: 'etc/caf\xe9\n', content: 'not UTF-8' },
    { name: 'etc/more', content: 'once' },
    { name: 'etc/new', magic: 'gnu', content: 'y', mtime: 9, prefix: '00000000012\x0000000000013\0' },
    { name: 'bin/sh', content: 'a shell', mode: 0o755 },
    { name: 'bin/bash', type: '1', link: 'bin/sh', mode: 0o755 },
    { name: 'bin/gone', type: '1', link: 'bin/sh', mode: 0o755 },
    { name: 'bin/\xe9', type: '2', link: 'caf\xe9' },
    { name: 'opt/kept/a', content: 'implied folders' },
    { name: 'opt/one', content: 'hidden twice' },
    { name: 'opt/two', type: '1', link: 'opt/one' },
    { name: 'run/pipe', type: '6' },
    { name: 'var/', type: '5', mode: 0o700 },
    { name: 'var/below', content: 'below' },
    { name: 'tmp/all', content: 'all' },
    ...DEVICES,
  ],
  [
    { name: 'etc/', type: '5', mode: 0o750, mtime: 5 },
    { name: 'etc/more', content: 'twice' },
    { name: 'etc/more', content: 'thrice' },
    { name: 'etc/more', content: 'once more' },
    { name: 'bin/.wh.gone' },
    { name: 'opt/.wh.one' },
    { name: 'opt/.wh.two' },
    { name: 'var', content: 'a file' },
    { name: 'tmp/.wh..wh..opq' },
  ],
];

const [PROVENANCE, SUMS, MTREE, BODY] = ['provenance.jsonl', 'sha256sums', 'rootfs.mtree', 'rootfs.body'].map(
  (name) => `data/${name}`,
) as [string, string, string, string];

/** One of so many changes is tried. */
const EACH = shortOrLong(11, 3);

/** Those of several changes that are not found, or of which the file is not named. */
async function unnoticed(path: string, changesOf: (text: string) => Iterable<Change>): Promise<readonly string[]> {
  const bag = await snapshotBag(LAYERS);
  const undo = await keeping(bag, [path, 'bag-info.txt', 'manifest-sha256.txt', 'tagmanifest-sha256.txt']);
  const missed: string[] = [];
  const changes = [...changesOf(await readFile(join(bag, path), 'latin1'))];
  for (const { what, text } of changes.filter((_, i) => i % EACH === 0)) {
    await tamper(bag, path, () => text);
    const flaws = await flawsOf(bag);
    if (!flaws.some((flaw) => flaw.includes(path))) missed.push(what);
    await undo();
  }
  return missed;
}

/** @returns puts files back as they are now */
async function keeping(bag: string, paths: readonly string[]): Promise<() => Promise<void>> {
  const kept = await Promise.all(paths.map(async (path) => [path, await readFile(join(bag, path))] as const));
  return async () => {
    for (const [path, bytes] of kept) await writeFile(join(bag, path), bytes);
  };
}

interface Change {
  readonly what: string;
  /** The file, or the line, as it is then. */
  readonly text: string;
}

const linesOf = (text: string) => text.split(/(?<=\n)/);

/** Changes of each line, one at a time. */
function* ofLines(text: string, changesOf: (line: string, number: number) => Iterable<Change>): Generator<Change> {
  const lines = linesOf(text);
  for (const [i, line] of lines.entries()) {
    for (const { what, text: other } of changesOf(line, i + 1)) {
      yield { what: `line ${i + 1}: ${what}`, text: lines.with(i, other).join('') };
    }
  }
}

/** Another value for each leaf of a document. */
function* otherLeaves(value: unknown, path = ''): Generator<readonly [path: string, other: unknown]> {
  if (Array.isArray(value)) {
    yield [`${path}[]`, value.slice(1)];
    for (const [i, each] of value.entries()) {
      for (const [at, other] of otherLeaves(each, `${path}[]`)) yield [at, value.with(i, other)];
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, each] of Object.entries(value)) {
      const { [key]: _, ...rest } = value as Record<string, unknown>;
      yield [`${path}.${key} left out`, rest];
      for (const [at, other] of otherLeaves(each, `${path}.${key}`)) yield [at, { ...value, [key]: other }];
    }
  } else if (typeof value === 'number') yield [path, value + 1];
  else if (typeof value === 'string') yield [path, `${value.slice(0, -1)}${value.endsWith('1') ? '2' : '1'}`];
  else if (typeof value === 'boolean') yield [path, !value];
}

function* leavesOfLine(line: string): Generator<Change> {
  const value: unknown = JSON.parse(Buffer.from(line, 'latin1').toString());
  for (const [what, other] of otherLeaves(value)) {
    yield { what, text: `${Buffer.from(JSON.stringify(other)).toString('latin1')}\n` };
  }
}

test('the snapshot as it is, is in order', async () => {
  expect(await flawsOf(await snapshotBag(LAYERS))).toEqual([]);
});

/** What no tar and no other record tells, and what could just as well be so. */
const BELIEVED = {
  image: ['.layers[].size', '.layers[].size left out'],
  /** What replaces something may lead through symlinks, so that it can have any path. */
  replaced: ['.hiddenBy.path'],
  /** Which older layers describe a directory, too. */
  directory: ['.shadows left out', '.shadows[].layer'],
};

const shown = (missed: readonly string[]) => [...new Set(missed.map((what) => what.replace(/^line \d+: /, '')))].sort();

describe('everything is compared that provenance says', () => {
  test('of the image and its layers, but the sizes of layers', async () => {
    const missed = await unnoticed(PROVENANCE, (text) =>
      ofLines(text, (line, number) => (number === 1 ? leavesOfLine(line) : [])),
    );
    expect(BELIEVED.image).toEqual(expect.arrayContaining(shown(missed)));
  });

  test.each([
    ['present files', /"type":"file".*"state":"present"/, []],
    ['present directories', /"type":"directory".*"state":"present"/, BELIEVED.directory],
    ['other present entries', /"type":"(?!file|directory).*"state":"present"/, []],
    ['versions that were removed', /"how":"(?:removed|opaque)"/, []],
    ['other hidden versions', /"how":"(?:replaced|parent|duplicate)"/, BELIEVED.replaced],
  ])('of %s', async (_, kind, believed) => {
    let count = 0;
    const missed = await unnoticed(PROVENANCE, (text) =>
      ofLines(text, (line, number) => {
        if (number === 1 || !kind.test(line)) return [];
        count++;
        return leavesOfLine(line);
      }),
    );
    expect(count).toBeGreaterThan(2);
    expect(believed).toEqual(expect.arrayContaining(shown(missed)));
  });
});

/** Another value for each field of a line, and the line without it. */
function* fieldsOf(line: string, field: RegExp): Generator<Change> {
  for (const found of line.matchAll(field)) {
    const [whole, value = whole] = found;
    const at = found.index + whole.length - value.length;
    const other = `${value.slice(0, -1)}${value.endsWith('1') ? '2' : '1'}`;
    const end = at + value.length;
    yield { what: `${whole} as ${other}`, text: line.slice(0, at) + other + line.slice(end) };
    yield { what: `without ${whole}`, text: line.slice(0, found.index) + line.slice(end) };
  }
}

test.each([
  ['each keyword of mtree', MTREE, /(?<=^| )(?:[a-z0-9]+=([^ \n]+)|[^ =\n]+)/g],
  ['each hash and name of sha256sums', SUMS, /[^ \n\\]+|^\\/g],
  ['each column of the body file', BODY, /(?<=^|\|)([^|\n]+)/g],
])('%s is compared', async (_, path, field) => {
  expect(await unnoticed(path, (text) => ofLines(text, (line) => fieldsOf(line, field)))).toEqual([]);
});

describe('lines are found, and the other records are in order, that are', () => {
  const others = (path: string) => [PROVENANCE, SUMS, MTREE, BODY].filter((other) => other !== path);
  const changes: readonly (readonly [what: string, change: (lines: string[]) => string[]])[] = [
    ['left out', (lines) => lines.toSpliced(3, 1)],
    ['left out at the end', (lines) => lines.slice(0, -1)],
    ['left out, all but one', (lines) => lines.slice(0, 1)],
    ['there twice', (lines) => lines.toSpliced(3, 0, lines[3] as string)],
    ['too many at the end', (lines) => [...lines, lines.at(-1) as string]],
    ['in another order', (lines) => [...lines.slice(0, 3), lines[4] as string, lines[3] as string, ...lines.slice(5)]],
    ['cut off', (lines) => [...lines.slice(0, -1), (lines.at(-1) as string).slice(0, -1)]],
    ['ended with CRLF', (lines) => lines.map((line) => line.replace('\n', '\r\n'))],
    ['preceded by an empty one', (lines) => ['\n', ...lines]],
    ['no text at all', () => ['\0\xff'.repeat(500)]],
    ['gone, all of them', () => []],
  ];

  test.each(
    [PROVENANCE, SUMS, MTREE, BODY].flatMap((path) => changes.map(([what, change]) => [path, what, change] as const)),
  )('%s: %s', async (path, _, change) => {
    const bag = await snapshotBag(LAYERS);
    await tamper(bag, path, (text) => change(linesOf(text)).join(''));
    const flaws = await flawsOf(bag);
    expect(flaws.filter((flaw) => flaw.startsWith(`${path}: `))).toHaveLength(1);
    expect(flaws.filter((flaw) => others(path).some((other) => flaw.startsWith(`${other}: `)))).toEqual([]);
  });
});
