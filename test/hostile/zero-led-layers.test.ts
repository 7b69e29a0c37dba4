import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { flatten } from '#dimgx/flatten.js';
import { diffIdOf } from '../helpers/built-image.js';
import { type Flattened, flattenLayers } from '../helpers/flatten-layers.js';
import { writeArchive } from '../helpers/members.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { rawEntry, rawTar } from '../helpers/raw-tar.js';
import { runDimgx } from '../helpers/run-dimgx.js';
import { storedLayer } from '../helpers/stored-layer.js';

const zeros = (length: number) => Buffer.alloc(length);
const bytes = (text: string) => Buffer.from(text, 'latin1');
const entry = rawEntry({ name: 'a' }, 'x');

/** A megabyte of zeros with a few bytes put over them. */
function image(...parts: readonly (readonly [offset: number, magic: string])[]): Buffer {
  const all = zeros(1024 * 1024);
  for (const [offset, magic] of parts) all.write(magic, offset, 'latin1');
  return all;
}

/** Flattens a layer that is stored as gzip members, one for each part. */
async function flattenZipped(...parts: readonly Uint8Array[]): Promise<Omit<Flattened, 'treeDigest'>> {
  const stored = Buffer.concat(parts.map((part) => gzipSync(part, { level: 1 })));
  const path = await writeArchive(storedLayer(stored, diffIdOf(Buffer.concat(parts))));
  const target = new PassThrough();
  const [tar, { warnings }] = await Promise.all([buffer(target), flatten(path, target)]);
  return { tar, warnings, codes: warnings.map(({ code }) => code) };
}

const EROFS = image([1024, '\xe2\xe1\xf5\xe0']);
const FORMATS: readonly (readonly [name: string, layer: Buffer, says: string])[] = [
  ['EROFS', EROFS, 'an EROFS file system, not an empty tar archive: it begins with 1024 bytes of zeros'],
  ['ext4', image([1024, '\0\0\x01'], [1080, '\x53\xef']), 'an ext2, ext3 or ext4 file system'],
  ['F2FS', image([1024, '\x10\x20\xf5\xf2']), 'an F2FS file system'],
  ['ISO 9660', image([32_768, '\x01CD001\x01']), 'an ISO 9660 file system'],
  ['btrfs', image([65_536, 'sum'], [65_600, '_BHRfS_M']), 'a btrfs file system'],
  ['GPT behind an empty block', image([512, 'EFI PART']), 'a disk image'],
  [
    'data far behind',
    image([1_000_000, 'x']),
    'something else, not an empty tar archive: it begins with 1000000 bytes',
  ],
  ['data in the last byte', Buffer.concat([zeros(70_000), bytes('x')]), 'something else'],
  ['data behind one zero block', Buffer.concat([zeros(512), bytes('x'.repeat(9000))]), 'something else'],
  ['a tar archive behind an empty one', Buffer.concat([zeros(10_240), rawTar(entry)]), 'something else'],
  ['an entry behind one zero block', Buffer.concat([zeros(512), rawTar(entry)]), 'something else'],
  [
    'data behind an archive of a comment',
    Buffer.concat([rawTar(rawEntry({ type: 'g' }, '19 comment=0123456\n')), bytes('x')]),
    'without entries has data after its end',
  ],
];

describe('a layer of zeros and then data is refused, stored or compressed, alone or above others', () => {
  test.each(FORMATS)('%s', async (_, layer, says) => {
    const refusal = expect.objectContaining({
      code: 'DIMGX_TAR_NOT_A_TAR',
      message: expect.stringContaining(says),
    });
    await expect(flattenLayers([layer])).rejects.toEqual(refusal);
    await expect(flattenLayers([[entry], layer])).rejects.toEqual(refusal);
    await expect(flattenZipped(layer)).rejects.toEqual(refusal);
  });
});

test.each([0, 512, 1024, 1536, 4096, 10_240, 100_000])('a layer of %d zeros is empty', async (length) => {
  const { tar, codes } = await flattenLayers([[entry], zeros(length)]);
  expect(tar.equals((await flattenLayers([[entry]])).tar)).toBe(true);
  expect(codes).toEqual([]);
  expect(await flattenZipped(zeros(length))).toEqual({ tar: zeros(1024), warnings: [], codes: [] });
});

test.each([1, 511, 513, 1000])('a layer of %d zeros is refused, as engines do', async (length) => {
  const code = expect.stringMatching(/^DIMGX_TAR_(NOT_A_TAR|TRUNCATED)$/);
  await expect(flattenLayers([zeros(length)])).rejects.toEqual(expect.objectContaining({ code }));
});

test.each([
  ['data', bytes('junk'), 'data follows the end of the tar'],
  ['an archive', rawTar(rawEntry({ name: 'b' })), 'another tar archive follows the end of the tar'],
])('entries before the end stay, with a warning of %s behind it', async (_, behind, says) => {
  const one = (await flattenLayers([[entry]])).tar;
  for (const { tar, warnings } of [
    await flattenLayers([Buffer.concat([rawTar(entry), behind])]),
    await flattenZipped(rawTar(entry), behind),
  ]) {
    expect(tar.equals(one)).toBe(true);
    expect(warnings).toEqual([{ code: 'DIMGX_LAYER_TRAILING_DATA', message: expect.stringContaining(says), count: 1 }]);
  }
});

test.each([
  ['a squashfs', bytes('hsqs'.padEnd(5000, 'x')), 'a squashfs file system'],
  ['JSON', bytes('{"mediaType": "x"}'), 'a JSON document, not a tar archive, and too short for one'],
  ['long JSON', bytes(`[{"a": "${'b'.repeat(2000)}"}]`), 'a JSON document, not a tar archive: it'],
  ['an HTML page', bytes(`<!DOCTYPE html>${' '.repeat(600)}`), 'an HTML page'],
  ['a ZIP', bytes('PK\x03\x04'.padEnd(5000, 'x')), 'a ZIP archive'],
  [
    'a file system with a boot sector',
    Buffer.concat([bytes('\xebX\x90'.padEnd(510)), bytes('\x55\xaa'), zeros(5000)]),
    'a boot sector',
  ],
  [
    'bytes that nobody knows',
    bytes('\x91\x7c'.padEnd(5000, 'z')),
    'not a tar archive, and not compressed in a format that dimgx knows',
  ],
])('a layer that is %s is called so', async (_, layer, says) => {
  await expect(flattenLayers([layer])).rejects.toEqual(
    expect.objectContaining({ code: 'DIMGX_TAR_NOT_A_TAR', message: expect.stringContaining(says) }),
  );
});

test.each([
  ['the uid', 108, '\x80\0\0\x01\0\0\0\0'],
  ['the gid', 116, 'zzzzzzz\0'],
  ['the size', 124, '\xff'.repeat(12)],
  ['the mode', 100, '99999999'],
  ['the time', 136, 'never\0\0\0\0\0\0\0'],
  ['the number of a device', 329, 'nothing\0'],
])(
  'a header whose checksum is right and %s wrong is a bad header, the first as well as another',
  async (_, offset, field) => {
    const bad = rawEntry({ name: 'bad', type: offset === 329 ? '3' : '0', patch: { [offset]: bytes(field) } });
    for (const layer of [rawTar(bad), rawTar(entry, bad)]) {
      await expect(flattenLayers([layer])).rejects.toEqual(expect.objectContaining({ code: 'DIMGX_TAR_BAD_HEADER' }));
    }
  },
);

test('the error names the media type, and nothing comes out', async () => {
  const layout = new OciLayout();
  const built = { layers: [EROFS] };
  const { mediaType } = layout.blob(EROFS, 'application/vnd.erofs.layer.v1');
  const manifest = layout.manifest(built);
  const document = JSON.parse(String(layout.members[`blobs/sha256/${manifest.digest.slice(7)}`]));
  document.layers[0].mediaType = mediaType;
  layout.members['index.json'] = JSON.stringify({
    schemaVersion: 2,
    manifests: [layout.json(document, manifest.mediaType)],
  });
  const path = await writeArchive(layout.members);
  const { code, stdout, stderr } = await runDimgx('-t', '-', path);
  expect({ code, length: stdout.length }).toEqual({ code: 2, length: 0 });
  expect(stderr).toMatch(
    /DIMGX_TAR_NOT_A_TAR: layer \w+ of type "application\/vnd\.erofs\.layer\.v1": this is an EROFS/,
  );
});
