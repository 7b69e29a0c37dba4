import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Image } from '#dimgx/image/image.js';
import type { OpenOptions } from '#dimgx/options.js';
import { openImage } from '#dimgx/source/resolve.js';
import { type BuiltImage, diffIdOf, layerOf } from '../helpers/built-image.js';
import { docker25Archive } from '../helpers/docker-archive.js';
import { type Answer, fakeEngine } from '../helpers/fake-engine.js';
import { flattenedFiles } from '../helpers/flattened-files.js';
import { archiveOf } from '../helpers/members.js';

const INDEX = 'c1'.repeat(32);
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const manifestOf = (architecture: string) => `sha256:${(architecture === 'amd64' ? 'a1' : 'b2').repeat(32)}`;

/** What the engine was asked, as METHOD PATH. */
let requests: string[];
let variants: { readonly architecture: string; readonly image: BuiltImage }[];

beforeEach(async () => {
  requests = [];
  variants = [];
  for (const architecture of ['amd64', 'arm64']) {
    const layers = [await layerOf({ arch: architecture }), await layerOf({ top: '2' })];
    variants.push({ architecture, image: { layers, config: { architecture } } });
  }
});

interface StoreOptions {
  /** Of the API. */
  readonly version?: string;
  /** The platforms of which the engine has the blobs; what it prefers first. */
  readonly has?: readonly string[];
}

/** An engine that keeps images as registries do, as Docker 28 and 29 with the containerd store. Source: moby, API 1.52. */
async function containerdStore({ version = '1.52', has = ['amd64', 'arm64'] }: StoreOptions = {}): Promise<string> {
  const present = has.flatMap((architecture) => variants.filter((each) => each.architecture === architecture));
  const atLeast = (least: string) => Number(version.slice(2)) >= Number(least.slice(2));
  const choosing = (
    least: string,
    answer: (variant: (typeof variants)[number], isChosen: boolean) => unknown,
  ): Answer => {
    return async (request: IncomingMessage, response: ServerResponse) => {
      const asked = new URL(request.url ?? '', 'http://docker').searchParams.get('platform');
      requests.push(`${/[a-z]+$/.exec(request.url?.replace(/\?.*/, '') ?? '')?.[0]} ${asked ?? '-'}`);
      const wanted = asked && atLeast(least) ? JSON.parse(asked) : undefined;
      const variant = wanted ? present.find((each) => each.architecture === wanted.architecture) : present[0];
      if (!variant) return response.writeHead(404).end('{"message":"does not provide the specified platform"}');
      const body = await answer(variant, wanted !== undefined);
      return response.end(body instanceof Uint8Array ? body : JSON.stringify(body));
    };
  };
  const Descriptor = { mediaType: INDEX_TYPE, digest: `sha256:${INDEX}`, size: 1 };
  const listed = { Id: Descriptor.digest, ParentId: '', RepoTags: ['app:1'], RepoDigests: [], Created: 1, Size: 9 };
  return fakeEngine({
    '/version': { ApiVersion: version, MinAPIVersion: '1.44' },
    '/images/json': [listed],
    [`/images/${INDEX}/json`]: choosing('1.49', ({ architecture, image }, isChosen) => {
      const digest = manifestOf(architecture);
      return {
        ...{ Id: isChosen ? digest : Descriptor.digest, RepoTags: ['app:1'], RepoDigests: [], Size: 9 },
        ...{ Os: 'linux', Architecture: architecture, RootFS: { Layers: image.layers.map(diffIdOf) } },
        Descriptor: isChosen ? { mediaType: MANIFEST_TYPE, digest, size: 1 } : Descriptor,
      };
    }),
    [`/images/${INDEX}/history`]: choosing('1.48', ({ architecture }) =>
      ['top', 'arch'].map((step) => ({ Created: 1, CreatedBy: `RUN ${step} ${architecture}`, Comment: '', Size: 1 })),
    ),
    [`/images/${INDEX}/get`]: choosing('1.48', async ({ image }, isChosen) =>
      archiveOf(docker25Archive(isChosen ? [image] : present.map((each) => each.image), { gzip: true })),
    ),
  });
}

async function describeImage(host: string, options: OpenOptions = {}): Promise<Image> {
  const image = await openImage('docker-daemon:app:1', { host, ...options });
  await image.close();
  return image;
}

describe('an engine with the containerd store', () => {
  it('lists and saves the platform that is asked for', async () => {
    const host = await containerdStore();
    const image = await describeImage(host, { platform: 'linux/arm64' });
    expect(image.platform).toEqual({ os: 'linux', architecture: 'arm64' });
    expect(image.history.map(({ history }) => history.createdBy)).toEqual(['RUN arch arm64', 'RUN top arm64']);
    expect(image.manifestDigest).toBe(manifestOf('arm64'));
    expect(await flattenedFiles('docker-daemon:app:1', { host, platform: 'linux/arm64' })).toMatchObject({
      arch: 'arm64',
    });
    const asked = '{"os":"linux","architecture":"arm64"}';
    expect(requests.slice(-3)).toEqual([`json ${asked}`, `history ${asked}`, `get ${asked}`]);
  });

  it('is asked for one platform only, whichever it prefers', async () => {
    const host = await containerdStore({ has: ['arm64', 'amd64'] });
    expect(await flattenedFiles('docker-daemon:app:1', { host })).toMatchObject({ arch: 'arm64', top: '2' });
    expect(requests.at(-1)).toBe('get {"os":"linux","architecture":"arm64"}');
  });

  it('shows the ID under which it lists the image, whatever the platform', async () => {
    const host = await containerdStore();
    for (const platform of ['linux/amd64', 'linux/arm64']) {
      expect((await describeImage(host, { platform })).id).toBe(INDEX);
    }
    expect((await describeImage(host)).id).toBe(INDEX);
  });

  it('does not pull a platform that it has', async () => {
    const host = await containerdStore();
    const options = { host, platform: 'linux/arm64', pull: 'missing' } as const;
    expect(await flattenedFiles('docker-daemon:app:1', options)).toMatchObject({ arch: 'arm64' });
  });

  it('is asked for DOCKER_DEFAULT_PLATFORM, and may lack it', async () => {
    vi.stubEnv('DOCKER_DEFAULT_PLATFORM', 'linux/arm64');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect((await describeImage(await containerdStore())).platform?.architecture).toBe('arm64');
    expect((await describeImage(await containerdStore({ has: ['amd64'] }))).platform?.architecture).toBe('amd64');
  });

  it('refuses a platform that it lacks', async () => {
    const host = await containerdStore({ has: ['amd64'] });
    await expect(describeImage(host, { platform: 'linux/arm64' })).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NO_PLATFORM',
      message: expect.stringContaining('for linux/amd64, not for linux/arm64'),
    });
  });

  it('is taken as it is when its API is too old to choose', async () => {
    const host = await containerdStore({ version: '1.47' });
    expect(await describeImage(host, { platform: 'linux/amd64' })).toMatchObject({ id: INDEX });
    expect(requests).toEqual(['json -', 'history -']);
    await expect(describeImage(host, { platform: 'linux/arm64' })).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NO_PLATFORM',
    });
  });
});
