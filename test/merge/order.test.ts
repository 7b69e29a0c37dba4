import { expect, test } from 'vitest';
import { flattenLayers, type LayerSpec } from '../helpers/flatten-layers.js';
import type { RawEntry } from '../helpers/raw-layer.js';
import { readTar } from '../helpers/read-tar.js';

const file = (name: string): RawEntry => ({ name, content: name });
const directory = (name: string): RawEntry => ({ name, type: '5' });

async function namesOf(...layers: readonly LayerSpec[]) {
  return readTar((await flattenLayers(layers)).tar).map(({ name }) => name);
}

/** Numbers from 0 to below 1. Source: Park and Miller, 1988. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((each) => [random(), each] as const)
    .sort(([one], [other]) => one - other)
    .map(([, each]) => each);
}

test('children are in the order of the bytes of their names, each directory directly before its contents', async () => {
  const sorted = [
    directory('A/'),
    file('A/z'),
    directory('a/'),
    file('a/ '),
    file('a/.b'),
    file('a/0'),
    directory('a/b/'),
    file('a/b/\x01'),
    file('a/b/b'),
    file('a/b!'),
    file('a/b-'),
    file('a/b.c'),
    file('a/b0'),
    file('a-b'),
    file('a.b'),
    directory('aa/'),
    file('aa/\x7f'),
    file('aa/\x80'),
    file('aa/\xc3\xa4'),
    file('aa/\xff'),
    file('aa/\xff\xff'),
    file('b'),
  ];
  const names = sorted.map(({ name }) => name);
  const random = randomNumbers(3);
  expect(await namesOf(sorted)).toEqual(names);
  expect(await namesOf(sorted.toReversed())).toEqual(names);
  for (let run = 0; run < 20; run++) {
    const order = shuffled(sorted, random);
    const [one, other] = [Math.floor(random() * order.length), Math.floor(random() * order.length)];
    const cuts = [0, Math.min(one, other), Math.max(one, other), order.length];
    expect(await namesOf(...[0, 1, 2].map((i) => order.slice(cuts[i], cuts[i + 1])))).toEqual(names);
  }
});

test.each([
  ['that have little in common', (number: number) => `${(number * 7919) % 1999}`],
  ['that share their first bytes', (number: number) => `${'same'.repeat(50)}${(number * 7919) % 1999}`],
  ['that are the start of others', (number: number) => 'x'.repeat(((number * 89) % 251) + 1)],
  ['that share more and more', (number: number) => `${'x'.repeat((number * 89) % 240)}y${number % 7}`],
])('names %s are sorted, however many runs there are', async (_, nameOf) => {
  const names = [...new Set(Array.from({ length: 1998 }, (_, i) => nameOf(i)))];
  const sorted = names.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  const random = randomNumbers(5);
  const runs = [0, 1, 2].map((part) => sorted.filter((_, i) => i % 3 === part).map(file));
  expect(await namesOf(...runs)).toEqual(sorted);
  expect(await namesOf(sorted.toReversed().map(file))).toEqual(sorted);
  expect(await namesOf(shuffled(names, random).map(file))).toEqual(sorted);
});

test('the first name of a file has its contents, wherever they are stored', async () => {
  const layers: readonly (readonly LayerSpec[])[] = [
    [[file('m'), { name: 'z', type: '1', link: 'm' }, { name: 'a', type: '1', link: 'z' }]],
    [[file('z')], [{ name: 'm', type: '1', link: 'z' }], [{ name: 'a', type: '1', link: 'm' }]],
    [
      [file('x'), { name: 'z', type: '1', link: 'x' }],
      [{ name: 'm', type: '1', link: 'z' }, { name: 'a', type: '1', link: 'z' }, { name: '.wh.x' }],
    ],
  ];
  for (const stack of layers) {
    const entries = readTar((await flattenLayers(stack)).tar);
    const rows = entries.map(({ name, type, link, fields }) => [name, type, link, fields.size]);
    expect(rows).toEqual([
      ['a', '0', '', '1'],
      ['m', '1', 'a', ''],
      ['z', '1', 'a', ''],
    ]);
  }
});

test('what hides a directory and what is in it has no part in how names begin', async () => {
  const below: LayerSpec = [directory('./d/'), file('./d/gone'), file('x')];
  const above: LayerSpec = [{ name: 'd/.wh..wh..opq' }, file('./d/kept')];
  expect(await namesOf(below, above)).toEqual(await namesOf([directory('./d/'), file('./d/kept'), file('x')]));
});

test('attributes that hard links bring are in the order of their names', async () => {
  const link = (name: string, key: string): RawEntry => ({
    name,
    type: '1',
    link: 'a',
    pax: [[`SCHILY.xattr.user.${key}`, key]],
  });
  const one = await flattenLayers([[file('a'), link('b', 'x'), link('c', 'w')]]);
  const other = await flattenLayers([[file('a')], [link('c', 'w')], [link('b', 'x')]]);
  expect(one.tar.equals(other.tar)).toBe(true);
});

test('attributes that hard links bring are with the contents only, so that no link can set older ones again', async () => {
  const pax = (value: string) => [['SCHILY.xattr.user.k', value]] as const;
  const entries: readonly RawEntry[] = [
    { ...file('b'), pax: pax('older') },
    { name: 'a', type: '1', link: 'b', pax: pax('newer') },
    { name: 'c', type: '1', link: 'b', pax: pax('newest') },
  ];
  const tar = readTar((await flattenLayers([entries])).tar);
  expect(tar.map(({ name, type, fields }) => [name, type, fields.xattrs])).toEqual([
    ['a', '0', `user.k=0x${Buffer.from('newest').toString('hex')}`],
    ['b', '1', ''],
    ['c', '1', ''],
  ]);
});
