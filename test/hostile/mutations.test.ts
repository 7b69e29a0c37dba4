import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DimgxError } from '#dimgx/errors.js';
import { flatten } from '#dimgx/flatten.js';
import { type BuiltImage, layerOf, sha256 } from '../helpers/built-image.js';
import { docker25Archive, dockerArchive, dockerV1Archive } from '../helpers/docker-archive.js';
import { archiveOf } from '../helpers/members.js';
import { mutated, type Random, resummed, seeded } from '../helpers/mutations.js';
import { ociLayout } from '../helpers/oci-layout.js';
import { GNU, longHeader, paxHeader, rawEntry, rawTar, readPieces, readTar } from '../helpers/raw-tar.js';

/** How often each is tried; more with `DIMGX_MUTATIONS`, for a long run by hand. */
const RUNS = Number(process.env.DIMGX_MUTATIONS ?? 300);
const SEED = Number(process.env.DIMGX_SEED ?? 1);

/** Success and coded refusals are all that may come of it. */
async function survived(work: () => unknown, seed: number): Promise<'read' | 'refused'> {
  try {
    await work();
    return 'read';
  } catch (error) {
    if (error instanceof DimgxError && error.code !== 'DIMGX_INTERNAL') return 'refused';
    throw new Error(`with DIMGX_SEED=${seed}`, { cause: error });
  }
}

async function tryAll(make: (random: Random) => () => unknown, runs = RUNS): Promise<void> {
  const outcomes = new Set<string>();
  for (let seed = SEED; seed < SEED + runs; seed++) outcomes.add(await survived(make(seeded(seed)), seed));
  expect(outcomes).toEqual(new Set(['read', 'refused']));
}

const octal = (value: number) => `${value.toString(8).padStart(11, '0')}\0`;
const layer = rawTar(
  rawEntry({ name: 'd/', type: '5' }),
  rawEntry({ name: 'd/file' }, 'contents'),
  longHeader('L', `d/${'long'.repeat(60)}`),
  rawEntry({ type: '2', link: 'file' }),
  longHeader('K', `d/./${'x/../'.repeat(30)}file`),
  rawEntry({ name: 'link', type: '1' }),
  paxHeader({ path: 'd/pax', mtime: '1.5', uid: '1000', size: '3', 'SCHILY.xattr.user.a': 'b' }),
  rawEntry({ name: 'pax' }, 'pax'),
  rawEntry({ type: 'g' }, '9 path=x\n'),
  paxHeader({
    'GNU.sparse.major': '1',
    'GNU.sparse.minor': '0',
    'GNU.sparse.realsize': '9999',
    'GNU.sparse.name': 'sparse',
  }),
  rawEntry({}, `${'1\n1024\n700\n'.padEnd(512, '\0')}${'s'.repeat(700)}`),
  paxHeader([
    ['GNU.sparse.size', '900'],
    ['GNU.sparse.numblocks', '1'],
    ['GNU.sparse.offset', '0'],
    ['GNU.sparse.numbytes', '5'],
  ]),
  rawEntry({ name: 'sparse00' }, 'abcde'),
  rawEntry(
    { name: 'S', type: 'S', magic: GNU, patch: { 386: octal(1024) + octal(512), 483: octal(4096) } },
    's'.repeat(512),
  ),
  rawEntry({ name: 'dev', type: '3' }),
  rawEntry({ name: 'd/.wh.gone' }),
  rawEntry({ name: 'e/.wh..wh..opq' }),
);

const small: BuiltImage = { tags: ['box:1'], layers: [await layerOf({ a: 'x' }), await layerOf({ b: 'y' })] };

describe('a tar with something wrong', () => {
  test('anywhere', () => tryAll((random) => () => readTar(mutated(layer, random))));

  test('behind right checksums', () => tryAll((random) => () => readTar(resummed(mutated(layer, random)))));

  test('is read or refused alike in pieces', async () => {
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      const random = seeded(seed);
      const bytes = resummed(mutated(layer, random));
      const size = 1 + random(3000);
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      const outcome = (work: () => unknown) =>
        Promise.resolve()
          .then(work)
          .catch((error: DimgxError) => error.code);
      expect(await outcome(() => readPieces(pieces)), `with DIMGX_SEED=${seed}`).toEqual(
        await outcome(() => readTar(bytes)),
      );
    }
  });
});

describe('an image with something wrong', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-mutations-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const flattened = async (bytes: Uint8Array, verify: boolean) => {
    const path = join(folder, 'image.tar');
    await writeFile(path, bytes);
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
    const limits = { maxSize: 64 * 2 ** 20, maxEntries: 10_000 };
    await flatten(path, sink, { verify, limits, threads: 1 });
  };

  test('in its layers', async () => {
    const members = dockerArchive([{ layers: [layer, layer] }]);
    await tryAll((random) => {
      const changed = Object.entries(members).map(([name, member]) =>
        name.endsWith('layer.tar')
          ? ([name, resummed(mutated(member as Buffer, random))] as const)
          : ([name, member] as const),
      );
      return async () => flattened(await archiveOf(changed), false);
    });
  });

  test('in its compressed layer', async () => {
    const config = JSON.stringify({ rootfs: { diff_ids: [`sha256:${sha256(layer)}`] } });
    const manifest = JSON.stringify([{ Config: 'config', Layers: ['layer'] }]);
    const stored = gzipSync(layer);
    await tryAll(
      (random) => async () => {
        const bytes = random(2) === 0 ? mutated(stored, random) : gzipSync(resummed(mutated(layer, random)));
        return flattened(await archiveOf({ config, 'manifest.json': manifest, layer: bytes }), false);
      },
      RUNS / 10,
    );
  });

  const id = 'a'.repeat(64);
  test.each([
    ['docker-archive', dockerArchive([small, { ...small, tags: ['other:1'] }])],
    ['Docker 25', docker25Archive([small], { nested: true })],
    ['oci-archive', ociLayout([small], { nested: true })],
    ['the form of 2015', dockerV1Archive([{ id, layer, tags: ['x:1'] }])],
  ])('in the documents of %s', async (_, members) => {
    const isDocument = (name: string, member: unknown) => typeof member === 'string' || name.endsWith('.json');
    await tryAll((random) => {
      const changed = Object.entries(members).map(([name, member]) =>
        random(2) === 0 && isDocument(name, member)
          ? ([name, mutated(Buffer.from(member as string), random)] as const)
          : ([name, member] as const),
      );
      return async () => flattened(await archiveOf(changed), random(2) === 0);
    });
  });

  test('in the archive itself', async () => {
    const archive = await archiveOf(dockerArchive([small]));
    await tryAll((random) => async () => flattened(resummed(mutated(archive, random)), false));
  });
});
