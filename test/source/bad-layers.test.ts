import { describe, expect, test } from 'vitest';
import { configOf, diffIdOf, layerOf, sha256 } from '../helpers/built-image.js';
import { docker25Archive, dockerArchive, dockerV1Archive } from '../helpers/docker-archive.js';
import { flattenedFiles } from '../helpers/flattened-files.js';
import { type Member, writeArchive, writeFolder } from '../helpers/members.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { callDimgx } from '../helpers/shared-dimgx.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

const good = await layerOf({ a: 'good' });
const bad = await layerOf({ b: 'bad'.repeat(1000) });

/** What is wrong with the second layer of an image. */
interface Fault {
  /** Its descriptor, beside what is usual. */
  readonly described?: Readonly<Record<string, unknown>>;
  /** Its bytes; `null`: none. Default: a right layer. */
  readonly bytes?: Uint8Array | null;
}

const described = { mediaType: LAYER, digest: diffIdOf(bad), size: bad.length };

function manifestOf({ described: own = {} }: Fault, layout: OciLayout) {
  const config = layout.blob(configOf({ layers: [good, bad] }), CONFIG);
  return {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config,
    layers: [layout.blob(good, LAYER), { ...described, ...own }],
  };
}

function layoutOf(fault: Fault): Record<string, Member> {
  const layout = new OciLayout();
  const manifest = layout.json(manifestOf(fault, layout), MANIFEST);
  return place(layout.top([manifest]), `blobs/sha256/${sha256(bad)}`, fault);
}

/** What skopeo writes for `dir:`. */
function dirOf(fault: Fault): Record<string, Member> {
  const layout = new OciLayout();
  const manifest = manifestOf(fault, layout);
  const blobs = Object.entries(layout.members).flatMap(([name, member]) =>
    name.startsWith('blobs/sha256/') ? [[name.slice('blobs/sha256/'.length), member] as const] : [],
  );
  const members = {
    version: 'Directory Transport Version: 1.1\n',
    'manifest.json': JSON.stringify(manifest),
    ...Object.fromEntries(blobs),
  };
  return place(members, sha256(bad), fault);
}

function savedOf(fault: Fault): Record<string, Member> {
  const members = dockerArchive([{ layers: [good, bad] }]);
  const [path = ''] = Object.keys(members).filter((name) => members[name] === bad);
  return place(members, path, fault);
}

function saved25Of(fault: Fault): Record<string, Member> {
  const { 'oci-layout': _, 'index.json': __, ...members } = docker25Archive([{ layers: [good, bad] }]);
  const [item] = JSON.parse(members['manifest.json'] as string);
  Object.assign(item.LayerSources[diffIdOf(bad)], fault.described);
  const path = `blobs/sha256/${sha256(bad)}`;
  return place({ ...members, 'manifest.json': JSON.stringify([item]) }, path, fault);
}

function v1Of(fault: Fault): Record<string, Member> {
  const [parent, id] = ['1'.repeat(64), '2'.repeat(64)];
  const members = dockerV1Archive([
    { id: parent, layer: good },
    { id, parent, layer: bad, tags: ['app:1'] },
  ]);
  return place(members, `${id}/layer.tar`, fault);
}

function place(members: Record<string, Member>, path: string, { bytes = bad }: Fault): Record<string, Member> {
  const { [path]: _, ...others } = members;
  return bytes === null ? others : { ...others, [path]: bytes };
}

type Write = (fault: Fault) => Promise<string>;

const DESCRIBING: readonly (readonly [string, Write])[] = [
  ['an OCI layout', async (fault) => `oci:${await writeFolder(layoutOf(fault))}`],
  ['an OCI archive', async (fault) => `oci-archive:${await writeArchive(layoutOf(fault))}`],
  ['a dir: folder', async (fault) => `dir:${await writeFolder(dirOf(fault))}`],
];

const ALL: readonly (readonly [string, Write])[] = [
  ...DESCRIBING,
  ['an archive of docker save', async (fault) => `docker-archive:${await writeArchive(savedOf(fault))}`],
  ['an archive of Docker 25', async (fault) => `docker-archive:${await writeArchive(saved25Of(fault))}`],
  ['an unpacked archive', async (fault) => `docker-archive:${await writeFolder(savedOf(fault))}`],
  ['an archive of 2015', async (fault) => `docker-archive:${await writeArchive(v1Of(fault))}`],
];

/** The faulty layer spoils what needs it, with its own code; the listing, and the layer below it, it does not. */
async function expectOwnProblem(image: string, code: string): Promise<void> {
  const listing = await callDimgx('--json', image);
  expect(listing.code).toBe(0);
  const [problem, none] = JSON.parse(listing.stdout).layers.map((layer: { problem: unknown }) => layer.problem);
  expect(none).toBeNull();
  expect(problem).toMatchObject({ code, message: expect.any(String) });
  expect(await flattenedFiles(image, { layers: ['@1'] })).toEqual({ a: 'good' });
  await expect(flattenedFiles(image)).rejects.toMatchObject({ code });
  await expect(flattenedFiles(image, { layers: ['@2'] })).rejects.toMatchObject({ code });
}

describe.each(ALL)('in %s', (_, write) => {
  test('a layer that is missing spoils only its own row', async () => {
    await expectOwnProblem(await write({ bytes: null }), 'DIMGX_SOURCE_MISSING_BLOB');
  });

  test('the table tells what is wrong with a layer, and the command fails with it', async () => {
    const image = await write({ bytes: null });
    const table = await callDimgx(image);
    expect({ code: table.code, rows: table.stdout.trim().split('\n').length }).toEqual({ code: 0, rows: 3 });
    expect(table.stdout).toContain('[DIMGX_SOURCE_MISSING_BLOB: ');
    const { code, stdout, stderr } = await callDimgx('-t', '-', image);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^dimgx: DIMGX_SOURCE_MISSING_BLOB: [^\n]*\n$/m);
  });

  test('a layer that is no tar spoils only its own row', async () => {
    await expectOwnProblem(await write({ bytes: Buffer.alloc(bad.length, 'x') }), 'DIMGX_TAR_NOT_A_TAR');
  });
});

describe.each(DESCRIBING)('in %s', (_, write) => {
  test.each([
    ['encrypted', { described: { mediaType: `${LAYER}+gzip+encrypted` } }, 'DIMGX_SOURCE_UNSUPPORTED'],
    [
      'of an odd type',
      {
        described: { mediaType: 'application/vnd.wasm.content.layer.v1+wasm' },
        bytes: Buffer.alloc(bad.length, '\0asm'),
      },
      'DIMGX_TAR_NOT_A_TAR',
    ],
    ['of another size than its manifest says', { described: { size: bad.length + 1 } }, 'DIMGX_IMAGE_SIZE_MISMATCH'],
    ['too short', { bytes: bad.subarray(0, 700) }, 'DIMGX_IMAGE_SIZE_MISMATCH'],
    [
      'foreign and not there',
      { described: { mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar' }, bytes: null },
      'DIMGX_SOURCE_FOREIGN_LAYER',
    ],
  ] as const)('a layer that is %s spoils only its own row', async (_what, fault, code) => {
    await expectOwnProblem(await write(fault), code);
  });
});

test('a layer of an archive of docker save that is cut short spoils only its own row', async () => {
  const image = `docker-archive:${await writeArchive(savedOf({ bytes: bad.subarray(0, 700) }))}`;
  await expectOwnProblem(image, 'DIMGX_TAR_TRUNCATED');
});

test('a layer whose size is not that of LayerSources spoils only its own row', async () => {
  const image = `docker-archive:${await writeArchive(saved25Of({ described: { size: 7 } }))}`;
  await expectOwnProblem(image, 'DIMGX_IMAGE_SIZE_MISMATCH');
});
