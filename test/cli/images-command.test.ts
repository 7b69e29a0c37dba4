import { describe, expect, test } from 'vitest';
import { defaultPlatform } from '#dimgx/image/platform.js';
import { listImages } from '#dimgx/source/list-images.js';
import { type BuiltImage, imageIdOf, layerOf, sha256 } from '../helpers/built-image.js';
import { docker25Archive, dockerArchive, dockerV1Archive } from '../helpers/docker-archive.js';
import { fakeEngine } from '../helpers/fake-engine.js';
import { type Member, writeArchive, writeFolder } from '../helpers/members.js';
import { type Descriptor, OciLayout } from '../helpers/oci-layout.js';
import { runScript } from '../helpers/run-script.js';
import { callDimgx } from '../helpers/shared-dimgx.js';

const own = defaultPlatform().architecture;
const layer = await layerOf({ a: 'one' });
const other = await layerOf({ a: 'two' });
const one: BuiltImage = { layers: [layer], config: { architecture: own }, tags: ['app:1', 'app:latest'] };
const two: BuiltImage = { layers: [layer, other], config: { architecture: 's390x' }, tags: ['app:s390x'] };

const on = (descriptor: Descriptor, architecture: string): Descriptor => ({
  ...descriptor,
  platform: { os: 'linux', architecture },
});
const blob = (digest: string) => `blobs/sha256/${digest.replace(/^sha256:/, '')}`;

/** An index of two platforms with an attestation, a signature beside it, and an image of which nothing is there. */
function layout() {
  const made = new OciLayout();
  const [first, second] = [made.manifest(one), made.manifest(two)];
  const index = made.index([on(first, own), on(second, 's390x'), made.attestation(first)]);
  const config = made.blob('{}', 'application/vnd.oci.image.config.v1+json');
  const layers = [made.blob('sig', 'application/vnd.dev.cosign.simplesigning.v1+json')];
  const signature = made.json({ schemaVersion: 2, config, layers }, 'application/vnd.oci.image.manifest.v1+json');
  const lost = { ...first, digest: `sha256:${'7'.repeat(64)}` };
  const annotations = { 'org.opencontainers.image.ref.name': 'v1' };
  const members = made.top([{ ...index, annotations }, signature, lost]);
  return { members, digests: [index, first, second, signature, lost].map(({ digest }) => digest) };
}

async function json(...args: readonly string[]) {
  const { stdout, stderr, code } = await callDimgx('images', '--json', ...args);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return JSON.parse(stdout);
}

const size = (image: BuiltImage, members: Record<string, Member>) =>
  [imageIdOf(image), ...image.layers.map((bytes) => sha256(bytes))].reduce(
    (sum, digest) => sum + Buffer.byteLength(members[blob(digest)] as string),
    0,
  );

describe('dimgx images', () => {
  test('lists all that a layout has, with what an index leads to after it', async () => {
    const { members, digests } = layout();
    const [index, first, second, signature, lost] = digests;
    for (const [transport, path] of [
      ['oci', await writeFolder(members)],
      ['oci-archive', await writeArchive(members)],
    ]) {
      const list = await json(path as string);
      expect(list).toMatchObject({ reference: path, source: { transport, location: path } });
      const found = list.images.map((image: Record<string, unknown>) => [
        ...[image.number, image.kind, image.digest, image.index, image.whole],
      ]);
      expect(found).toEqual([
        [0, 'index', index, null, true],
        [null, 'image', first, index, true],
        [null, 'image', second, index, true],
        [null, 'attestation', expect.any(String), index, true],
        [1, 'signature', signature, null, true],
        [2, 'image', lost, null, false],
      ]);
      expect(list.images[1]).toEqual({
        number: null,
        names: ['v1'],
        kind: 'image',
        platform: { os: 'linux', architecture: own, variant: null },
        digest: first,
        id: imageIdOf(one),
        index,
        store: null,
        size: size(one, members),
        whole: true,
        missing: [],
        problem: null,
      });
      expect(list.images[5]).toMatchObject({ missing: [lost], problem: { code: 'DIMGX_SOURCE_MISSING_BLOB' } });
    }
  });

  test('prints a table of the same rows', async () => {
    const { members, digests } = layout();
    const { stdout, code } = await callDimgx('images', await writeFolder(members));
    const lines = stdout.trimEnd().split('\n');
    expect(code).toBe(0);
    expect(lines).toHaveLength(7);
    expect(lines[0]).toMatch(/^@N +NAME +KIND +PLATFORM +DIGEST +SIZE +WHOLE$/);
    expect(lines[1]).toMatch(new RegExp(`^@0 +v1 +index +- +${digests[0]} +- +yes$`));
    expect(lines[3]).toMatch(new RegExp(`^ +v1 +image +linux/s390x +${digests[2]} +[\\d.]+ k?B +yes$`));
    expect(lines[6]).toMatch(/^@2 +- +image +- +sha256:7{64} +- +no: 777777777777 is missing$/);
  });

  test('says of each image whether its layers are there', async () => {
    const { members } = layout();
    const { [blob(sha256(other))]: _, ...rest } = members;
    const { images } = await json(await writeFolder(rest));
    expect(images[1].whole).toBe(true);
    expect(images[2]).toMatchObject({ whole: false, missing: [`sha256:${sha256(other)}`], problem: null });
    expect(images[0].whole).toBe(false);
  });

  test('lists a docker archive by the numbers and names that choose, in each of its forms', async () => {
    for (const members of [dockerArchive([one, two]), docker25Archive([one, two])]) {
      const path = await writeArchive(members);
      const { images } = await json(path);
      expect(images).toMatchObject([
        { number: 0, names: one.tags, kind: 'image', platform: { architecture: own }, id: imageIdOf(one), whole: true },
        { number: 1, names: two.tags, kind: 'image', platform: { architecture: 's390x' }, whole: true },
      ]);
      for (const { number, id } of images) {
        expect(JSON.parse((await callDimgx('--json', '--image', `@${number}`, path)).stdout).id).toBe(id);
      }
    }
    const ids = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string];
    const chain = dockerV1Archive([
      { id: ids[0], layer, tags: ['old:1'] },
      { id: ids[1], parent: ids[0], layer: other },
      { id: ids[2], layer, tags: ['else:1'] },
    ]);
    expect((await json(await writeArchive(chain))).images).toMatchObject([
      { number: 0, names: ['old:1'], id: ids[0], size: layer.length },
      { number: 1, names: ['else:1'], id: ids[2] },
      { number: 2, names: [], id: ids[1], size: layer.length + other.length, whole: true },
    ]);
  });

  test('lists what the layout around a manifest.json has besides', async () => {
    const { members } = layout();
    const path = await writeArchive({ ...docker25Archive([one]), ...members });
    const { source, images } = await json(path);
    expect(source.transport).toBe('docker-archive');
    const kinds = images.map(({ number, kind }: { number: number | null; kind: string }) => `${number} ${kind}`);
    expect(kinds).toEqual(['0 image', 'null index', 'null image', 'null attestation', 'null signature', 'null image']);
  });

  test('lists the one image of a directory of skopeo', async () => {
    const made = new OciLayout();
    const manifest = made.manifest(one);
    const flat = Object.entries(made.members).map(([name, member]) => [name.replace('blobs/sha256/', ''), member]);
    const members = { ...Object.fromEntries(flat), 'manifest.json': made.members[blob(manifest.digest)] as Member };
    const { images } = await json(`dir:${await writeFolder(members)}`);
    expect(images).toMatchObject([{ number: 0, kind: 'image', digest: manifest.digest, whole: true }]);
  });

  test('reads an archive on standard input', async () => {
    const { stdout } = await runScript('dimgx images --json - < "$1"', await writeArchive(dockerArchive([one])));
    expect(JSON.parse(stdout.toString()).images).toMatchObject([{ names: one.tags }]);
  });

  test('lists the images of an engine, without the steps between, or one of them', async () => {
    const [tip, step] = ['a'.repeat(64), 'b'.repeat(64)];
    const details = { Id: tip, Size: 5, Os: 'linux', Architecture: 'aarch64', RepoTags: ['app:1'] };
    const listed = { Created: 1, Size: 5, RepoDigests: [] };
    const host = await fakeEngine({
      '/images/json': [
        { ...listed, Id: tip, ParentId: step, RepoTags: ['app:1'] },
        { ...listed, Id: step, ParentId: '', RepoTags: null },
      ],
      [`/images/${tip}/json`]: details,
      '/images/app%3A1/json': details,
    });
    for (const reference of ['docker-daemon:', 'docker-daemon:app:1', 'app:1']) {
      const list = await json('--host', host, reference);
      expect(list.source).toEqual({ transport: 'docker-daemon', location: host });
      expect(list.images).toMatchObject([
        { names: ['app:1'], kind: 'image', id: tip, platform: { os: 'linux', architecture: 'arm64' }, size: 5 },
      ]);
    }
    const { stderr, code } = await callDimgx('images', '--host', host, 'docker-daemon:none');
    expect(stderr).toContain('dimgx: DIMGX_SOURCE_NO_SUCH_IMAGE: ');
    expect(code).toBe(2);
  });

  test('shows nothing that would drive a terminal', async () => {
    const nasty = { ...one, tags: ['\x1b[2J\u202e:1\n2'], config: { architecture: '\x1b[31m', os: 'a\nb' } };
    const path = await writeArchive(dockerArchive([nasty]));
    expect((await callDimgx('images', path)).stdout).toMatch(/^[ -~\n]+$/);
    expect((await callDimgx('images', '--json', path)).stdout).toMatch(/^[ -~\n]+$/);
  });

  test('prints nothing, or an empty list, where nothing is', async () => {
    const path = await writeFolder(new OciLayout().top([]));
    expect(await callDimgx('images', path)).toMatchObject({ stdout: '', stderr: '', code: 0 });
    expect((await json(path)).images).toEqual([]);
  });

  test.each([
    [[], 1, 'DIMGX_USAGE'],
    [[''], 1, 'DIMGX_USAGE'],
    [['a.tar', 'b.tar'], 1, 'DIMGX_USAGE'],
    [['--layers=1', 'a.tar'], 1, 'DIMGX_USAGE'],
    [['./none.tar'], 2, 'DIMGX_SOURCE_NOT_FOUND'],
    [['oci:'], 1, 'DIMGX_REFERENCE_INVALID'],
    [['/'], 2, 'DIMGX_SOURCE_NOT_AN_IMAGE'],
    [['docker://A B'], 1, 'DIMGX_REFERENCE_INVALID'],
  ])('refuses %j', async (args, exit, code) => {
    const ended = await callDimgx('images', ...args);
    expect(ended).toMatchObject({ stdout: '', code: exit });
    expect(ended.stderr).toMatch(new RegExp(`^dimgx: ${code}: [^\n]+\n$`));
  });

  test('refuses an index that is not JSON', async () => {
    const path = await writeFolder({ ...layout().members, 'index.json': '[' });
    const ended = await callDimgx('images', path);
    expect(ended).toMatchObject({ stdout: '', code: 2, stderr: expect.stringContaining('DIMGX_IMAGE_BAD_JSON') });
  });

  test('ends quietly with 141 when its reader goes away', async () => {
    const path = await writeFolder(layout().members);
    const { stdout, stderr } = await runScript('dimgx images "$1" | (exec 0<&-; sleep 1); echo $PIPESTATUS', path);
    expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: '141\n', stderr: '' });
  });

  test('has a help of its own', async () => {
    const { stdout, code } = await callDimgx('images', '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: dimgx images \[options\] IMAGE\n/);
    expect((await callDimgx('--help')).stdout).toMatch(/^ {2}dimgx images +list the images/m);
  });
});

describe('listImages', () => {
  test('gives the library what the command prints', async () => {
    const { members, digests } = layout();
    const path = await writeFolder(members);
    const list = await listImages(path);
    expect(list).toMatchObject({ reference: path, source: { transport: 'oci' } });
    expect(list.images.map(({ digest }) => digest)).toEqual(expect.arrayContaining(digests));
    expect(list.images.at(-1)).not.toHaveProperty('platform');
  });

  test('ends with the code of an abort', async () => {
    const signal = AbortSignal.abort();
    await expect(listImages(await writeFolder(layout().members), { signal })).rejects.toMatchObject({
      code: 'DIMGX_ABORTED',
    });
  });
});
