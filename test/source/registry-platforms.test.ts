import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { defaultPlatform } from '#dimgx/image/platform.js';
import type { OpenOptions } from '#dimgx/options.js';
import { listImages } from '#dimgx/source/list-images.js';
import { openImage } from '#dimgx/source/resolve.js';
import { type BuiltImage, imageIdOf, layerOf } from '../helpers/built-image.js';
import { type Descriptor, OciLayout } from '../helpers/oci-layout.js';
import { refusal } from '../helpers/opened.js';

const own = defaultPlatform().architecture;
const imageFor = async (architecture: string): Promise<BuiltImage> => ({
  layers: [await layerOf({ machine: architecture })],
  config: { architecture },
});
const [mine, vax, alpha] = [await imageFor(own), await imageFor('vax'), await imageFor('alpha')];
const on = (descriptor: Descriptor, architecture: string): Descriptor => ({
  ...descriptor,
  platform: { os: 'linux', architecture },
});

/** Serves a layout as a registry would: real ones refuse an index whose manifests are missing. Notes what is asked. */
async function registryOf(layout: OciLayout, top: Descriptor, ...lost: readonly Descriptor[]) {
  const asked: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    const version = url.split('/').at(-1) ?? '';
    const digest = version === '1' ? top.digest : version;
    const bytes = lost.some((each) => each.digest === digest)
      ? undefined
      : layout.members[`blobs/sha256/${digest.slice(7)}`];
    if (url !== '/v2/') asked.push(digest);
    if (url === '/v2/') response.end();
    else if (bytes === undefined) response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    else response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { reference: `docker://127.0.0.1:${(server.address() as AddressInfo).port}/x:1`, asked };
}

/** The image that is opened, and the codes of the warnings. */
async function outcome(reference: string, options: OpenOptions = {}) {
  const codes: string[] = [];
  const image = await openImage(reference, { ...options, cache: false, onWarning: ({ code }) => codes.push(code) });
  await image.close();
  return { id: image.id, codes };
}

describe('an index in a registry', () => {
  test('is read no further than to the image for the platform, whatever it calls that', async () => {
    const layout = new OciLayout();
    const [one, two] = [layout.manifest(mine), layout.manifest(vax)];
    const { reference, asked } = await registryOf(layout, layout.index([on(two, 'VAX'), on(one, own)]));
    expect(await outcome(reference)).toEqual({ id: imageIdOf(mine), codes: [] });
    expect(asked.slice(1)).toEqual([one.digest, `sha256:${imageIdOf(mine)}`]);
    expect((await outcome(reference, { platform: 'linux/vax' })).id).toBe(imageIdOf(vax));
  });

  test('of one platform gives that, and says so', async () => {
    const layout = new OciLayout();
    const { reference } = await registryOf(layout, layout.index([on(layout.manifest(vax), 'vax')]));
    expect(await outcome(reference)).toEqual({ id: imageIdOf(vax), codes: ['DIMGX_SOURCE_OTHER_PLATFORM'] });
  });

  test('without the platform lists what it says, and nothing more is asked for', async () => {
    const layout = new OciLayout();
    const top = layout.index([on(layout.manifest(vax), 'vax'), on(layout.manifest(alpha), 'alpha')]);
    const { reference, asked } = await registryOf(layout, top);
    for (const options of [{}, { platform: 'linux/s390x' }]) {
      const failure = await refusal(reference, { ...options, cache: false });
      expect(failure).toMatchObject({
        code: 'DIMGX_SOURCE_NO_PLATFORM',
        message: expect.stringMatching(/; it has linux\/vax, linux\/alpha$/),
        choices: [{ platform: { architecture: 'vax' } }, { platform: { architecture: 'alpha' } }],
      });
      expect(failure.choices?.[0]).not.toHaveProperty('isWhole');
    }
    expect(asked).toEqual([top.digest, top.digest]);
  });

  test('whose image for this machine is missing gives the only other one; asked for, it is refused', async () => {
    const layout = new OciLayout();
    const [one, two] = [layout.manifest(mine), layout.manifest(vax)];
    const { reference } = await registryOf(layout, layout.index([on(one, own), on(two, 'vax')]), one);
    expect(await outcome(reference)).toEqual({ id: imageIdOf(vax), codes: ['DIMGX_SOURCE_OTHER_PLATFORM'] });
    expect(await refusal(reference, { platform: `linux/${own}`, cache: false })).toMatchObject({
      code: 'DIMGX_SOURCE_MISSING_BLOB',
      message: expect.stringContaining('; it has linux/vax'),
    });
  });

  test('is listed with what it leads to; a manifest that is missing is said to be', async () => {
    const layout = new OciLayout();
    const [one, two] = [layout.manifest(mine), layout.manifest(vax)];
    const top = layout.index([on(one, own), on(two, 'vax'), layout.attestation(one)]);
    const { reference } = await registryOf(layout, top, two);
    const { images } = await listImages(reference, { cache: false });
    expect(images.map(({ kind, digest, isWhole }) => [kind, digest, isWhole])).toEqual([
      ['index', top.digest, undefined],
      ['image', one.digest, undefined],
      ['image', two.digest, false],
      ['attestation', expect.any(String), undefined],
    ]);
  });
});
