import { describe, expect, test } from 'vitest';
import { defaultPlatform } from '#dimgx/image/platform.js';
import { type BuiltImage, imageIdOf, layerOf, sha256 } from '../helpers/built-image.js';
import { docker25Archive, dockerArchive } from '../helpers/docker-archive.js';
import { type Member, writeArchive, writeFolder } from '../helpers/members.js';
import { type Descriptor, OciLayout } from '../helpers/oci-layout.js';
import { opened, refusal, warningsOf } from '../helpers/opened.js';

const own = defaultPlatform().architecture;
const [otherOne, otherTwo] = ['s390x', 'ppc64le'];
const imageFor = async (architecture: string): Promise<BuiltImage> => ({
  layers: [await layerOf({ machine: architecture })],
  config: { architecture },
});
const [mine, other, third] = [await imageFor(own), await imageFor(otherOne), await imageFor(otherTwo)];

const on = (descriptor: Descriptor, architecture: string, more: object = {}): Descriptor => ({
  ...descriptor,
  platform: { os: 'linux', architecture, ...more },
});

/** A layout of one index that lists images by what it says of their platforms. */
function indexed(...images: readonly (readonly [BuiltImage, string | undefined])[]) {
  const layout = new OciLayout();
  const listed = images.map(([image, said]) => {
    const manifest = layout.manifest(image);
    return said === undefined ? manifest : on(manifest, said);
  });
  return { layout, members: layout.top([layout.index(listed)]) };
}

const blob = (digest: string) => `blobs/sha256/${digest.replace(/^sha256:/, '')}`;
const without = (members: Record<string, Member>, ...paths: readonly string[]) =>
  Object.fromEntries(Object.entries(members).filter(([path]) => !paths.includes(path)));
const layersOf = (image: BuiltImage) => image.layers.map((layer) => blob(sha256(layer)));
const configOf = (image: BuiltImage) => blob(imageIdOf(image));
const manifestOf = (image: BuiltImage) => blob(new OciLayout().manifest(image).digest);
const all = (image: BuiltImage) => [...layersOf(image), configOf(image), manifestOf(image)];

/** The image that is opened, and the codes of the warnings. */
async function outcome(reference: string, options: Parameters<typeof opened>[1] = {}) {
  const warnings = await warningsOf(reference, options);
  return { id: (await opened(reference, options)).id, codes: warnings.map(({ code }) => code), warnings };
}

describe('names of platforms', () => {
  const arm64 = { layers: mine.layers, config: { architecture: 'aarch64', os: 'Linux' } };

  test.each(['linux/arm64', 'linux/aarch64', 'Linux/ARM64/v8'])(
    'in an index are spelled as %s is',
    async (platform) => {
      const { members } = indexed([{ ...arm64, config: { architecture: 'aarch64' } }, 'aarch64'], [third, 'PPC64LE']);
      expect((await opened(await writeFolder(members), { platform })).layers).toHaveLength(1);
    },
  );

  test('in configs are, too, and an image tells them in the usual spelling', async () => {
    const image = await opened(await writeArchive(dockerArchive([arm64])), { platform: 'linux/arm64' });
    expect(image.platform).toEqual({ os: 'linux', architecture: 'arm64' });
    expect(image.config.architecture).toBe('aarch64');
  });

  test('that a message proposes are accepted', async () => {
    const folder = await writeFolder(indexed([other, 'S390X'], [third, 'ppc64el']).members);
    const { message, choices } = await refusal(folder, { platform: 'linux/riscv64' });
    const proposed = /; it has ([\w/]+), ([\w/]+)$/.exec(message)?.slice(1) ?? [];
    expect(proposed).toEqual(['linux/s390x', 'linux/ppc64le']);
    for (const platform of proposed) expect((await opened(folder, { platform })).layers).toHaveLength(1);
    expect(choices).toMatchObject([
      { kind: 'image', platform: { os: 'linux', architecture: 's390x' }, isWhole: true },
      { kind: 'image', platform: { os: 'linux', architecture: 'ppc64le' }, isWhole: true },
    ]);
  });
});

describe('when no platform is asked for', () => {
  test.each([
    ['all its blobs', all],
    ['its manifest', (image: BuiltImage) => [manifestOf(image)]],
    ['its config', (image: BuiltImage) => [configOf(image)]],
    ['a layer', layersOf],
  ])('and the own image lacks %s, the only one that is whole is taken, and that is said', async (_, lost) => {
    const { members } = indexed([mine, own], [other, otherOne]);
    for (const path of [
      await writeFolder(without(members, ...lost(mine))),
      await writeArchive(without(members, ...lost(mine))),
    ]) {
      const { id, warnings } = await outcome(path);
      expect(id).toBe(imageIdOf(other));
      expect(warnings).toMatchObject([
        { code: 'DIMGX_SOURCE_OTHER_PLATFORM', message: expect.stringContaining(`linux/${otherOne}`) },
      ]);
    }
  });

  test('and others lack their blobs, the own image is taken without a word', async () => {
    const { members } = indexed([other, otherOne], [mine, own], [third, undefined]);
    const path = await writeFolder(without(members, ...all(other), ...all(third)));
    expect(await outcome(path)).toMatchObject({ id: imageIdOf(mine), codes: [] });
  });

  test('and several others are whole, they are listed', async () => {
    const { members } = indexed([mine, own], [other, otherOne], [third, otherTwo]);
    const failure = await refusal(await writeFolder(without(members, ...all(mine))));
    expect(failure.code).toBe('DIMGX_SOURCE_MISSING_BLOB');
    expect(failure.message).toMatch(/; it has linux\/s390x, linux\/ppc64le \(and incomplete: linux\/\w+\)/);
    expect(failure.choices?.map(({ isWhole }) => isWhole).sort()).toEqual([false, true, true]);
  });

  test('and there is only one, for another machine, it is taken, and that is said', async () => {
    const { members } = indexed([other, otherOne]);
    expect(await outcome(await writeFolder(members))).toMatchObject({
      id: imageIdOf(other),
      codes: ['DIMGX_SOURCE_OTHER_PLATFORM'],
    });
    const layout = new OciLayout();
    const top = layout.top([on(layout.manifest(other), otherOne)]);
    expect((await outcome(await writeFolder(top))).codes).toEqual(['DIMGX_SOURCE_OTHER_PLATFORM']);
  });

  test('and strict input is wanted, it is taken all the same', async () => {
    const path = await writeFolder(indexed([other, otherOne]).members);
    expect((await outcome(path, { strictInput: true })).id).toBe(imageIdOf(other));
  });

  test('a plain image without an index is taken without a word, whatever it is for', async () => {
    expect(await outcome(await writeArchive(dockerArchive([other])))).toMatchObject({ codes: [] });
    const layout = new OciLayout();
    expect(await outcome(await writeFolder(layout.top([layout.manifest(other)])))).toMatchObject({ codes: [] });
  });

  test('and the own image is damaged, no other stands in for it', async () => {
    const { members } = indexed([mine, own], [other, otherOne]);
    const damaged = { ...members, [configOf(mine)]: Buffer.alloc(3) };
    expect((await refusal(await writeFolder(damaged))).code).toBe('DIMGX_IMAGE_SIZE_MISMATCH');
  });

  test('and an index inside the index is not there, it is not missed', async () => {
    const layout = new OciLayout();
    const lost = { ...layout.index([]), digest: `sha256:${'5'.repeat(64)}` };
    const members = layout.top([layout.index([lost, on(layout.manifest(mine), own)])]);
    expect(await outcome(await writeFolder(members))).toMatchObject({ id: imageIdOf(mine), codes: [] });
    const nothing = new OciLayout();
    const path = await writeFolder(nothing.top([nothing.index([lost])]));
    expect((await refusal(path)).code).toBe('DIMGX_SOURCE_MISSING_BLOB');
  });

  test('a manifest.json whose blobs are not there gives way to the layout around it', async () => {
    const { members } = indexed([mine, own], [other, otherOne]);
    const archive = without({ ...docker25Archive([mine]), ...members }, ...all(mine));
    expect(await outcome(await writeArchive(archive))).toMatchObject({ id: imageIdOf(other) });
  });
});

describe('a platform that is asked for', () => {
  const ask = { platform: `linux/${otherOne}` };

  test('whose blobs are missing is refused, and the message says what is there', async () => {
    const { members } = indexed([mine, own], [other, otherOne]);
    for (const lost of [all(other), [manifestOf(other)], [configOf(other)]]) {
      const failure = await refusal(await writeFolder(without(members, ...lost)), ask);
      expect(failure).toMatchObject({
        code: 'DIMGX_SOURCE_MISSING_BLOB',
        message: expect.stringContaining(`; it has linux/${own} `),
      });
    }
  });

  test('does not get an older variant because the right one is missing', async () => {
    const layout = new OciLayout();
    const [v6, v7] = [layout.manifest(mine), { ...layout.manifest(other), digest: `sha256:${'7'.repeat(64)}` }];
    const members = layout.top([layout.index([on(v6, 'arm', { variant: 'v6' }), on(v7, 'arm', { variant: 'v7' })])]);
    const path = await writeFolder(members);
    expect((await refusal(path, { platform: 'linux/arm/v7' })).code).toBe('DIMGX_SOURCE_MISSING_BLOB');
    expect((await opened(path, { platform: 'linux/arm/v6' })).id).toBe(imageIdOf(mine));
  });

  test('is compared with the config where an index of one image says nothing', async () => {
    const path = await writeFolder(indexed([mine, undefined]).members);
    expect((await refusal(path, ask)).code).toBe('DIMGX_SOURCE_NO_PLATFORM');
    expect((await opened(path, { platform: `linux/${own}` })).id).toBe(imageIdOf(mine));
  });

  test.each([undefined, ['app-one', 'app-two']])('chooses among several images of a layout named %j', async (names) => {
    const layout = new OciLayout();
    const named = (descriptor: Descriptor, n: number) =>
      names ? { ...descriptor, annotations: { 'org.opencontainers.image.ref.name': names[n] ?? '' } } : descriptor;
    const members = layout.top([named(layout.manifest(mine), 0), named(layout.manifest(other), 1)]);
    const path = await writeFolder(members);
    expect((await opened(path, ask)).id).toBe(imageIdOf(other));
    expect((await refusal(path)).code).toBe('DIMGX_SOURCE_AMBIGUOUS');
    expect(await refusal(path, { platform: 'linux/riscv64' })).toMatchObject({
      code: 'DIMGX_SOURCE_NO_PLATFORM',
      message: expect.stringContaining(`linux/${otherOne}`),
    });
  });

  test('chooses among several images of a docker archive, of those that it serves', async () => {
    const another = { ...other, tags: ['c:1'], config: { ...other.config, author: 'x' } };
    const images = [
      { ...mine, tags: ['a:1'] },
      { ...other, tags: ['b:1'] },
    ];
    const path = await writeArchive(dockerArchive(images));
    expect((await opened(path, ask)).tags).toEqual(['b:1']);
    expect((await refusal(path, { platform: 'linux/riscv64' })).code).toBe('DIMGX_SOURCE_NO_PLATFORM');
    const failure = await refusal(await writeArchive(dockerArchive([...images, another])), ask);
    expect(failure.code).toBe('DIMGX_SOURCE_AMBIGUOUS');
    expect(failure.message).toMatch(/b:1.*c:1/);
    expect(failure.message).not.toContain('a:1');
  });

  test('chooses among images of one name, as this machine does where none is asked for', async () => {
    const images = [
      { ...other, tags: ['a:1'] },
      { ...mine, tags: ['a:1'] },
    ];
    const path = await writeArchive(dockerArchive(images));
    expect((await opened(path)).id).toBe(imageIdOf(mine));
    expect((await opened(path, ask)).id).toBe(imageIdOf(other));
  });
});
