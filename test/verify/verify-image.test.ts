import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { verify } from '#dimgx/verify/verify.js';
import { type BuiltImage, configOf, diffIdOf, gzipped, layerOf, sha256 } from '../helpers/built-image.js';
import { docker25Archive, dockerArchive, dockerV1Archive } from '../helpers/docker-archive.js';
import { type Members, temporaryFolder, writeArchive, writeFolder } from '../helpers/members.js';
import { OciLayout, ociLayout } from '../helpers/oci-layout.js';
import { listen } from '../helpers/registry-proxy.js';
import { flawsOf } from '../helpers/snapshot-bag.js';

const layers = [await layerOf({ a: 'one' }), await layerOf({ b: 'two', c: 'three'.repeat(500) })];
const image: BuiltImage = { layers, tags: ['app:1'] };
const [older, newer] = layers as [Buffer, Buffer];
const config = configOf(image);

/** Members of an archive or a layout, as they are changed. */
type Change = (members: Record<string, unknown>) => void;

const blob = (bytes: Uint8Array) => `blobs/sha256/${sha256(bytes)}`;

/** The same length, but another byte. */
function altered(bytes: Uint8Array, at = 600): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}

async function changed(members: Record<string, unknown>, change: Change): Promise<Members> {
  change(members);
  return members as Members;
}

async function lines(target: string, options = {}): Promise<string[]> {
  const all: string[] = [];
  try {
    for await (const { subject, claim, value, ok } of verify(target, { cache: await temporaryFolder(), ...options })) {
      all.push(`${ok ? 'ok' : 'BAD'} ${subject} ${claim} ${value}`);
    }
  } catch (failure) {
    all.push((failure as { code: string }).code);
  }
  return all;
}

describe('everything that a sound image claims is told', () => {
  const ofConfig = `ok config digest sha256:${sha256(config)}`;

  test('an archive of docker save up to Docker 24', async () => {
    const archive = await writeArchive(dockerArchive([image]));
    expect(await lines(archive)).toEqual([
      ofConfig,
      `ok layer @1 diffId ${diffIdOf(older)}`,
      `ok layer @2 diffId ${diffIdOf(newer)}`,
    ]);
  });

  test('an archive of docker save from Docker 25 on', async () => {
    const archive = await writeArchive(docker25Archive([image], { gzip: true }));
    const found = await lines(archive);
    expect(found).toContain(ofConfig);
    expect(found).toEqual(expect.arrayContaining(claimsOfLayers(gzipped)));
    expect(found).toHaveLength(7);
  });

  test.each([false, true])('an OCI layout (gzip: %s)', async (gzip) => {
    const layout = new OciLayout();
    const manifest = layout.manifest(image, { gzip });
    const folder = await writeFolder(layout.top([manifest]));
    expect(await lines(`oci:${folder}`)).toEqual([
      `ok manifest digest ${manifest.digest}`,
      `ok manifest size ${manifest.size}`,
      ofConfig,
      `ok config size ${config.length}`,
      ...claimsOfLayers(gzip ? gzipped : (layer) => layer),
    ]);
  });

  test('only of the layers that are selected', async () => {
    const archive = await writeArchive(dockerArchive([image]));
    expect(await lines(archive, { layers: ['@2'] })).toEqual([ofConfig, `ok layer @2 diffId ${diffIdOf(newer)}`]);
  });

  test('nothing, where the image names no digest: that is a warning', async () => {
    const codes: string[] = [];
    const archive = await writeArchive(dockerV1Archive([{ id: 'a'.repeat(64), layer: older }]));
    expect(await lines(archive, { onWarning: ({ code }: { code: string }) => codes.push(code) })).toEqual([]);
    expect(codes).toEqual(['DIMGX_SOURCE_UNVERIFIED']);
  });
});

function claimsOfLayers(stored: (layer: Uint8Array) => Uint8Array): string[] {
  return layers.flatMap((layer, i) => [
    `ok layer @${i + 1} digest sha256:${sha256(stored(layer))}`,
    `ok layer @${i + 1} size ${stored(layer).length}`,
    `ok layer @${i + 1} diffId ${diffIdOf(layer)}`,
  ]);
}

/** The ways to store an image as blobs by their digests. */
const FORMS: readonly (readonly [name: string, open: (change: Change) => Promise<string>])[] = [
  [
    'an OCI layout',
    async (change) => `oci:${await writeFolder(await changed(ociLayout([image], { gzip: true }), change))}`,
  ],
  [
    'an archive of an OCI layout',
    async (change) => `oci-archive:${await writeArchive(await changed(ociLayout([image], { gzip: true }), change))}`,
  ],
  ['a folder as skopeo writes it', async (change) => `dir:${await writeFolder(await changed(skopeoFolder(), change))}`],
  [
    'an archive of Docker 25',
    async (change) => writeArchive(await changed(docker25Archive([image], { gzip: true }), change)),
  ],
  ['a registry', async (change) => `docker://${await registryOf(change)}/app:1`],
];

const stored = gzipped(newer);

/** Runs a change of a blob, wherever the form has it. */
function ofBlob(bytes: Uint8Array, change: (bytes: Uint8Array) => Uint8Array | undefined): Change {
  return (members) => {
    for (const name of [blob(bytes), sha256(bytes)]) {
      if (members[name] === undefined) continue;
      const other = change(members[name] as Uint8Array);
      if (other === undefined) delete members[name];
      else members[name] = other;
    }
  };
}

describe.each(FORMS)('in %s', (name, open) => {
  const isRemote = name === 'a registry';
  const flaws = async (change: Change) => flawsOf(await open(change), { retry: 0, plainHttp: true, cache: false });
  const ofLayer = (what: string) => expect.stringMatching(new RegExp(`^layer @2: ${what}`));

  test('nothing is wrong at first', async () => {
    expect(await flaws(() => {})).toEqual([]);
  });

  test('a flipped bit in a layer is found, and named', async () => {
    const found = await flaws(ofBlob(stored, (bytes) => altered(bytes, 30)));
    expect(found).toContainEqual(ofLayer(isRemote ? '.*digest' : 'has the digest sha256:'));
    expect(found).toContainEqual(ofLayer('cannot be checked for its diff ID: '));
    expect(found.every((flaw) => flaw.startsWith('layer @2'))).toBe(true);
  });

  test('a layer that is cut off', async () => {
    const found = await flaws(ofBlob(stored, (bytes) => bytes.subarray(0, -1)));
    expect(found).toContainEqual(
      ofLayer(isRemote ? 'cannot be checked for its size' : `has the size ${stored.length - 1}, not ${stored.length}`),
    );
    expect(found.every((flaw) => flaw.startsWith('layer @2'))).toBe(true);
  });

  test('a layer that was packed again has its diff ID still', async () => {
    const again = altered(stored, 9); // the header's name of the operating system
    const found = await flaws(ofBlob(stored, () => again));
    if (isRemote) expect(found).toContainEqual(ofLayer('cannot be checked for its digest'));
    else expect(found).toEqual([`layer @2: has the digest sha256:${sha256(again)}, not sha256:${sha256(stored)}`]);
  });

  test('a layer that is missing', async () => {
    const found = await flaws(ofBlob(stored, () => undefined));
    expect(found).toEqual(['digest', 'size', 'diff ID'].map((what) => ofLayer(`cannot be checked for its ${what}: `)));
  });
});

/** Changes the config, and whatever names it. */
function withDiffId(diffId: string): BuiltImage {
  return { ...image, config: { rootfs: { type: 'layers', diff_ids: [diffIdOf(older), diffId] } } };
}

describe('a diff ID that is another', () => {
  const other = `sha256:${'0'.repeat(64)}`;
  const flaw = `layer @2: has the diff ID ${diffIdOf(newer)}, not ${other}`;

  test.each([
    ['an archive of Docker 24', () => writeArchive(dockerArchive([withDiffId(other)]))],
    ['an archive of Docker 25', () => writeArchive(docker25Archive([withDiffId(other)], { gzip: true }))],
    ['a layout', async () => `oci:${await writeFolder(ociLayout([withDiffId(other)]))}`],
    ['a layout with gzip', async () => `oci:${await writeFolder(ociLayout([withDiffId(other)], { gzip: true }))}`],
    ['a registry', async () => `docker://${await registryOf(() => {}, withDiffId(other))}/app:1`],
  ])('is found, and nothing else: %s', async (_, open) => {
    expect(await flawsOf(await open(), { plainHttp: true, cache: false })).toEqual([flaw]);
  });
});

describe('documents', () => {
  const replaced = (bytes: Uint8Array) => Buffer.from(String(bytes).replace('2024-01-02', '2024-01-03'));

  test.each([
    ['an archive of Docker 24', dockerArchive([image]), `${sha256(config)}.json`],
    ['an archive of Docker 25', docker25Archive([image]), blob(config)],
    ['a layout', ociLayout([image]), blob(config)],
  ])('a config that was changed: %s', async (_, members, name) => {
    const bytes = replaced(members[name] as Uint8Array);
    const flaws = await flawsOf(await writeArchive({ ...members, [name]: bytes }));
    expect(flaws).toEqual([`config: has the digest sha256:${sha256(bytes)}, not sha256:${sha256(config)}`]);
  });

  test('a config that is longer', async () => {
    const bytes = Buffer.from(`${config} `);
    expect(await flawsOf(await writeArchive({ ...ociLayout([image]), [blob(config)]: bytes }))).toEqual([
      `config: has the digest sha256:${sha256(bytes)}, not sha256:${sha256(config)}`,
      `config: has the size ${bytes.length}, not ${config.length}`,
    ]);
  });

  test('a manifest that was changed', async () => {
    const layout = new OciLayout();
    const { digest, size } = layout.manifest(image);
    const name = digest.replace('sha256:', 'blobs/sha256/');
    const bytes = Buffer.from(`${layout.members[name]} `);
    const members = { ...layout.top([{ ...layout.manifest(image) }]), [name]: bytes };
    expect(await flawsOf(await writeArchive(members))).toEqual([
      `manifest: has the digest sha256:${sha256(bytes)}, not ${digest}`,
      `manifest: has the size ${size + 1}, not ${size}`,
    ]);
  });

  test('a manifest of a registry that is not what was asked for', async () => {
    const host = await registryOf(() => {});
    const reference = `docker://${host}/app@sha256:${'0'.repeat(64)}`;
    expect(await flawsOf(reference, { plainHttp: true, cache: false, retry: 0 })).toEqual([
      expect.stringMatching(/^DIMGX_/),
    ]);
  });
});

test('a layer that is no tar is as its digests say', async () => {
  const text = Buffer.from('no tar'.repeat(200));
  expect(await flawsOf(await writeArchive(dockerArchive([{ layers: [text] }])))).toEqual([]);
});

test('the size of what is unpacked is limited', async () => {
  const zeros = await layerOf({ zeros: Buffer.alloc(5_000_000) });
  const archive = await writeArchive(docker25Archive([{ layers: [zeros, zeros] }], { gzip: true }));
  expect((await flawsOf(archive, { limits: { maxSize: 7_000_000 } })).at(-1)).toMatch(/^DIMGX_LIMIT_SIZE: /);
});

test('an abort ends it', async () => {
  const controller = new AbortController();
  const results = verify(await writeArchive(dockerArchive([image])), { signal: controller.signal });
  await results.next();
  controller.abort();
  await expect(rest(results)).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
});

test('what a callback throws ends it, and is named', async () => {
  const onProgress = () => {
    throw new Error('enough');
  };
  const results = verify(await writeArchive(dockerArchive([image])), { onProgress });
  await expect(rest(results)).rejects.toMatchObject({ code: 'DIMGX_CALLBACK_FAILED' });
});

async function rest(results: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of results);
}

/** What `skopeo copy … dir:` writes. */
function skopeoFolder(): Record<string, unknown> {
  const layout = new OciLayout();
  const { digest } = layout.manifest(image, { gzip: true });
  const blobs = Object.entries(layout.members).flatMap(([name, bytes]) => {
    const [, hex] = /^blobs\/sha256\/(.*)$/.exec(name) ?? [];
    return hex === undefined ? [] : [[`sha256:${hex}` === digest ? 'manifest.json' : hex, bytes] as const];
  });
  return { version: 'Directory Transport Version: 1.1\n', ...Object.fromEntries(blobs) };
}

/** A registry that has one image, `app:1`. @returns its host */
function registryOf(change: Change, built: BuiltImage = image): Promise<string> {
  const layout = new OciLayout();
  const { digest, mediaType } = layout.manifest(built, { gzip: true });
  const members: Record<string, unknown> = { ...layout.members };
  const document = members[digest.replace('sha256:', 'blobs/sha256/')];
  change(members);
  const server = createServer(({ url = '' }, response) => {
    const path = url.replace(/\?.*$/, '');
    if (path === '/v2/') response.end('{}');
    else if (/^\/v2\/app\/manifests\//.test(path)) response.setHeader('Content-Type', mediaType).end(document);
    else {
      const bytes = members[path.replace('/v2/app/', '').replace('sha256:', 'sha256/')];
      if (bytes === undefined) response.writeHead(404).end();
      else response.end(bytes);
    }
  });
  return listen(server);
}
