import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { diffIdOf, gzipped, layerOf, sha256 } from '../helpers/built-image.js';
import { docker25Archive } from '../helpers/docker-archive.js';
import { flattenedFiles } from '../helpers/flattened-files.js';
import { type Member, writeArchive, writeFolder } from '../helpers/members.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { refusal } from '../helpers/opened.js';
import { listen } from '../helpers/registry-proxy.js';
import { callDimgx } from '../helpers/shared-dimgx.js';

const OCI_FOREIGN = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
const DOCKER_FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
const USUAL = 'application/vnd.oci.image.layer.v1.tar+gzip';

const base = await layerOf({ a: 'base' });
const top = await layerOf({ b: 'top' });
const stored = gzipped(base);
const digest = `sha256:${sha256(stored)}`;
const elsewhere = 'https://mirror.example/base';

interface Foreign {
  readonly mediaType?: string;
  readonly urls?: readonly string[];
  readonly size?: number;
}

/** An image of two layers whose base is described as foreign, and is not there. */
const FORMS: readonly (readonly [string, (foreign: Foreign) => Promise<string>])[] = [
  ['an OCI layout', async (foreign) => `oci:${await writeFolder(layoutOf(foreign))}`],
  ['an OCI archive', async (foreign) => `oci-archive:${await writeArchive(layoutOf(foreign))}`],
  ['an archive of docker save', async (foreign) => `docker-archive:${await writeArchive(savedOf(foreign))}`],
  ['such an archive, unpacked', async (foreign) => `docker-archive:${await writeFolder(savedOf(foreign))}`],
];

function layoutOf({ mediaType = OCI_FOREIGN, urls, size = stored.length }: Foreign): Record<string, Member> {
  const layout = new OciLayout();
  const { digest: topmost } = layout.manifest({ layers: [base, top] }, { gzip: true });
  const manifest = JSON.parse(layout.members[`blobs/${topmost.replace(':', '/')}`] as string);
  Object.assign(manifest.layers[0], { mediaType, size, ...(urls && { urls }) });
  delete layout.members[`blobs/${digest.replace(':', '/')}`];
  return layout.top([layout.json(manifest, manifest.mediaType)]);
}

function savedOf({ mediaType = DOCKER_FOREIGN, urls, size = stored.length }: Foreign): Record<string, Member> {
  const members = docker25Archive([{ layers: [base, top] }], { gzip: true });
  const [item] = JSON.parse(members['manifest.json'] as string);
  item.LayerSources[diffIdOf(base)] = { mediaType, size, digest, ...(urls && { urls }) };
  const { 'manifest.json': _, 'index.json': __, 'oci-layout': ___, ...files } = members;
  delete files[`blobs/${digest.replace(':', '/')}`];
  return { ...files, 'manifest.json': JSON.stringify([item]) };
}

/** A server that gives some bytes for every path. @returns its URL, and what it was asked */
async function serve(bytes: Uint8Array, status = 200) {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, answer) => {
    asked.push(request.headers.authorization);
    answer.writeHead(status, { 'content-length': bytes.length }).end(bytes);
  });
  return { url: `http://${await listen(server)}/base`, asked };
}

const QUICK = { cache: false, retry: 0, allowForeignLayers: true } as const;

describe.each(FORMS)('a foreign layer that is not in %s', (_, write) => {
  test('is named, with where it is and the option that fetches it', async () => {
    const image = await write({ urls: [elsewhere] });
    const failure = await refusal(image);
    expect(failure.code).toBe('DIMGX_SOURCE_FOREIGN_LAYER');
    expect(failure.message).toContain(digest);
    expect(failure.message).toContain(elsewhere);
    expect(failure.options).toEqual(['allowForeignLayers']);
    const { code, stdout, stderr } = await callDimgx('-t', '-', image);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^dimgx: DIMGX_SOURCE_FOREIGN_LAYER: [^\n]*; --allow-foreign-layers downloads it\n$/);
  });

  test('is known as one by its URLs alone', async () => {
    const failure = await refusal(await write({ mediaType: USUAL, urls: [elsewhere] }));
    expect(failure.code).toBe('DIMGX_SOURCE_FOREIGN_LAYER');
  });

  test('is fetched and checked where that is allowed', async () => {
    const { url, asked } = await serve(stored);
    for (const mediaType of [OCI_FOREIGN, DOCKER_FOREIGN, USUAL]) {
      expect(await flattenedFiles(await write({ mediaType, urls: [url] }), QUICK)).toEqual({ a: 'base', b: 'top' });
    }
    expect(asked).toEqual([undefined, undefined, undefined]);
  });

  test('is fetched by the command with its option, from the first URL that can be asked', async () => {
    const { url } = await serve(stored);
    const image = await write({ urls: ['ftp://mirror.example/base', 'nonsense', url] });
    const { code, stdout } = await callDimgx('--no-cache', '--allow-foreign-layers', '-t', '-', image);
    expect(code).toBe(0);
    expect(stdout).toContain('base');
  });

  test.each([
    ['has other bytes', () => Buffer.from(stored).fill(7, 20, 30), 'DIMGX_IMAGE_DIGEST_MISMATCH'],
    ['is too short', () => stored.subarray(0, -5), 'DIMGX_IMAGE_SIZE_MISMATCH'],
    ['is too long', () => Buffer.concat([stored, Buffer.from('x')]), 'DIMGX_IMAGE_SIZE_MISMATCH'],
  ])('is refused when what comes %s', async (_what, bytes, code) => {
    const { url } = await serve(bytes());
    expect(await refusal(await write({ urls: [url] }), QUICK)).toMatchObject({ code });
  });

  test('is fetched from a further URL when the first ones fail', async () => {
    const [gone, there] = [await serve(Buffer.from('gone'), 404), await serve(stored)];
    const image = await write({ urls: ['http://127.0.0.1:9/closed', gone.url, there.url] });
    expect(await flattenedFiles(image, QUICK)).toEqual({ a: 'base', b: 'top' });
    expect([gone.asked.length, there.asked.length]).toEqual([1, 1]);
  });

  test('is refused when its URL leads to nothing', async () => {
    const { url } = await serve(Buffer.from('gone'), 404);
    const failure = await refusal(await write({ urls: [url] }), QUICK);
    expect(failure.code).toBe('DIMGX_REGISTRY_FAILED');
    expect(failure.message).toContain('404');
  });

  test.each([[undefined], [[]], [['ftp://mirror.example/base', 'nonsense']]])(
    'cannot be fetched when its URLs are %j',
    async (urls) => {
      const image = await write(urls ? { urls } : {});
      const failure = await refusal(image, QUICK);
      expect(failure.code).toBe('DIMGX_SOURCE_FOREIGN_LAYER');
      expect(failure.message).not.toContain('--allow-foreign-layers');
    },
  );

  test('is not needed for a listing or for the other layers', async () => {
    const { url, asked } = await serve(stored);
    const image = await write({ urls: [url] });
    const listing = await callDimgx('--json', image);
    const { layers } = JSON.parse(listing.stdout);
    expect(layers.map(({ problem }: { problem: { code: string } | null }) => problem?.code)).toEqual([
      undefined,
      'DIMGX_SOURCE_FOREIGN_LAYER',
    ]);
    for (const allowForeignLayers of [false, true]) {
      const options = { ...QUICK, allowForeignLayers, layers: ['@2'] };
      expect(await flattenedFiles(image, options)).toEqual({ b: 'top' });
    }
    expect(asked).toEqual([]);
  });
});
