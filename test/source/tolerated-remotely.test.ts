import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { OpenOptions } from '#dimgx/options.js';
import { openImage } from '#dimgx/source/resolve.js';
import { configOf, diffIdOf, gzipped, imageIdOf, layerOf } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { fakeEngine } from '../helpers/fake-engine.js';
import { flattenedFiles } from '../helpers/flattened-files.js';
import { archiveOf, temporaryFolder } from '../helpers/members.js';
import { OciLayout } from '../helpers/oci-layout.js';

const layer = await layerOf({ a: 'one' });
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

type Send = (response: ServerResponse, bytes: Buffer) => void;

/** A registry with one image of which no descriptor has a size. Real ones refuse what is odd about others. */
async function registryWithoutSizes(config: Record<string, unknown> = {}, send: Send = (to, bytes) => to.end(bytes)) {
  const layout = new OciLayout();
  const { size: _, ...stored } = layout.blob(gzipped(layer), LAYER);
  const { size: __, ...own } = layout.blob(configOf({ layers: [layer], config }), CONFIG);
  const top = layout.json({ schemaVersion: 2, config: own, layers: [stored] }, MANIFEST);
  const server = createServer(({ url = '' }, response) => {
    const version = url.split('/').at(-1) ?? '';
    const digest = version === '1' ? top.digest : version;
    const bytes = layout.members[`blobs/sha256/${digest.slice(7)}`];
    if (url === '/v2/') response.end();
    else if (bytes === undefined) response.writeHead(404).end();
    else if (digest === stored.digest) send(response, Buffer.from(bytes as Uint8Array));
    else response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => new Promise((resolve) => server.close(resolve));
  onTestFinished(() => void server.close());
  return { reference: `docker://127.0.0.1:${(server.address() as AddressInfo).port}/x:1`, stop };
}

async function read(reference: string, options: OpenOptions = {}) {
  const codes: string[] = [];
  const files = await flattenedFiles(reference, { ...options, onWarning: ({ code }) => codes.push(code) });
  return { files, codes };
}

describe('an image in a registry whose descriptors have no sizes', () => {
  test('is read, without a cache, with one, and out of it', async () => {
    const { reference, stop } = await registryWithoutSizes();
    const cache = await temporaryFolder();
    const whole = { files: { a: 'one' }, codes: [] };
    expect(await read(reference, { cache: false })).toEqual(whole);
    expect(await read(reference, { cache })).toEqual(whole);
    expect(await read(reference, { cache })).toEqual(whole);
    void stop();
    expect(await read(reference, { cache, offline: true })).toEqual(whole);
  });

  test('is refused when the registry does not say either how long a layer is', async () => {
    const { reference } = await registryWithoutSizes({}, (response, bytes) => {
      response.write(bytes.subarray(0, 10));
      response.end(bytes.subarray(10));
    });
    await expect(read(reference, { cache: false })).rejects.toMatchObject({
      code: 'DIMGX_REGISTRY_FAILED',
      message: expect.stringContaining('gives the size of'),
    });
  });

  test('is refused when a layer is another', async () => {
    const { reference } = await registryWithoutSizes({}, (response, bytes) => {
      response.end(Buffer.concat([bytes, Buffer.from('more')]));
    });
    await expect(read(reference, { cache: false })).rejects.toMatchObject({ code: 'DIMGX_IMAGE_DIGEST_MISMATCH' });
  });
});

describe('a config with malformed fields', () => {
  test('is warned of when it comes from a registry', async () => {
    const { reference } = await registryWithoutSizes({ created: 17 });
    expect(await read(reference, { cache: false })).toEqual({ files: { a: 'one' }, codes: ['DIMGX_IMAGE_ODD_CONFIG'] });
    await expect(openImage(reference, { cache: false, strictInput: true })).rejects.toMatchObject({
      code: 'DIMGX_IMAGE_ODD_CONFIG',
    });
  });

  test('is warned of when an engine saves it', async () => {
    const image = { tags: ['app:1'], layers: [layer], config: { created: 17 } };
    const id = imageIdOf(image);
    const archive = await archiveOf(dockerArchive([image]));
    const listed = { Id: `sha256:${id}`, ParentId: '', RepoTags: ['app:1'], RepoDigests: null, Created: 1, Size: 1 };
    const layers = { RootFS: { Layers: [diffIdOf(layer)] } };
    const host = await fakeEngine({
      '/images/json': [listed],
      [`/images/${id}/json`]: {
        Id: `sha256:${id}`,
        Parent: '',
        Architecture: 'amd64',
        Os: 'linux',
        Size: 1,
        ...layers,
      },
      [`/images/${id}/history`]: [],
      [`/images/${id}/get`]: (_: unknown, response: ServerResponse) => void response.end(archive),
      '/images/get': (_: unknown, response: ServerResponse) => void response.end(archive),
    });
    const { files, codes } = await read('docker-daemon:app:1', { host });
    expect({ files, codes }).toEqual({ files: { a: 'one' }, codes: ['DIMGX_IMAGE_ODD_CONFIG'] });
  });
});
