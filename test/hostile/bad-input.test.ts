import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, test } from 'vitest';
import type { ErrorCode } from '#dimgx/errors.js';
import { type BuiltImage, diffIdOf, layerOf } from '../helpers/built-image.js';
import { dockerArchive, dockerV1Archive } from '../helpers/docker-archive.js';
import { lacks } from '../helpers/engines.js';
import { expectRefusalAtEveryDoor } from '../helpers/every-door.js';
import { archiveOf, type Member, writeArchive, writeFolder } from '../helpers/members.js';
import { longHeader, paxHeader, rawEntry, rawTar } from '../helpers/raw-tar.js';
import { expectRefusal } from '../helpers/refusal.js';
import { runCommand } from '../helpers/run-command.js';
import { inTurn } from '../helpers/short-or-long.js';
import { storedLayer } from '../helpers/stored-layer.js';

/*
 * What the promise about bad input names, item by item, each at every door: an archive in a file, out of a pipe,
 * compressed; a folder and a compressed layer where there are any. README.md beside this lists where more of each kind
 * is tried.
 */

const MIB = 2 ** 20;
const image: BuiltImage = {
  tags: ['box:1'],
  layers: [await layerOf({ 'etc/': { type: 'directory' }, 'etc/a': 'hello' })],
};
const members = dockerArchive([image]);
const archive = await archiveOf(members);
const [item] = JSON.parse(String(members['manifest.json']));
const [layer = ''] = item.Layers as string[];
const good = image.layers[0] as Buffer;
const manifest = (change: object) => ({ 'manifest.json': JSON.stringify([{ ...item, ...change }]) });
const file = rawEntry({ name: 'a' }, 'x');

async function expectNodeRefused(...type: readonly string[]): Promise<void> {
  const folder = await writeFolder(members);
  await rm(join(folder, layer));
  await runCommand('mknod', [join(folder, layer), ...type]);
  await expectRefusal(folder, 'DIMGX_SOURCE_BAD_MEMBER');
}

describe('an archive', () => {
  const damaged = Buffer.from(archive);
  damaged.write('Manifest', archive.lastIndexOf('manifest.json'), 'latin1');
  test.each<[string, Uint8Array, ErrorCode]>([
    ['that is none', Buffer.from('hello world\n'.repeat(1000)), 'DIMGX_TAR_NOT_A_TAR'],
    ['that is truncated', archive.subarray(0, 2000), 'DIMGX_TAR_TRUNCATED'],
    ['with a bad checksum in a header', damaged, 'DIMGX_TAR_BAD_HEADER'],
    [
      'with a size that lies',
      rawTar(rawEntry({ name: 'manifest.json', size: 8 ** 11 - 1 }, '[]')),
      'DIMGX_TAR_TRUNCATED',
    ],
    [
      'with a PAX record that is absurdly large',
      rawTar(file, rawEntry({ type: 'x', patch: { 124: '777777777777' } })),
      'DIMGX_TAR_BAD_PAX',
    ],
  ])('%s', (_, bytes, code) => expectRefusalAtEveryDoor(bytes, code));
});

describe('a layer', () => {
  test.each<[string, Uint8Array, ErrorCode]>([
    ['that is truncated', good.subarray(0, 1026), 'DIMGX_TAR_TRUNCATED'],
    ['with a bad checksum in a header', rawTar(file, rawEntry({ checksum: '000000\0 ' })), 'DIMGX_TAR_BAD_HEADER'],
    ['with a size that lies', rawTar(file, rawEntry({ size: 8 ** 11 - 1 })), 'DIMGX_TAR_TRUNCATED'],
    [
      'with a size in PAX that lies',
      rawTar(file, paxHeader({ size: '9007199254740991' }), rawEntry({})),
      'DIMGX_TAR_TRUNCATED',
    ],
    ['with a name that leaves the root', rawTar(rawEntry({ name: '../x' })), 'DIMGX_ENTRY_UNSAFE_NAME'],
    ['with a name in PAX that does', rawTar(paxHeader({ path: 'a/../../x' }), file), 'DIMGX_ENTRY_UNSAFE_NAME'],
    ['with a long name that does', rawTar(longHeader('L', '/../x'), file), 'DIMGX_ENTRY_UNSAFE_NAME'],
    [
      'with a hard link that leaves the root',
      rawTar(rawEntry({ type: '1', link: '../../etc/passwd' })),
      'DIMGX_ENTRY_BAD_LINK',
    ],
    ['with a hard link to the host', rawTar(rawEntry({ type: '1', link: '/etc/passwd' })), 'DIMGX_ENTRY_BAD_LINK'],
    [
      'with a PAX record that is absurdly large',
      rawTar(file, rawEntry({ type: 'x', size: 2 ** 20 + 1 }, 'x'.repeat(2 ** 20 + 1))),
      'DIMGX_TAR_BAD_PAX',
    ],
  ])('%s', async (_, bytes, code) => {
    await expectRefusalAtEveryDoor(await archiveOf(dockerArchive([{ layers: [bytes] }])), code);
    const zipped = await writeArchive(storedLayer(gzipSync(bytes), diffIdOf(bytes)));
    for (const args of inTurn([[], ['--no-verify']]))
      await expectRefusal(zipped, code, { unpacked: bytes.length, args });
  });

  const special: readonly (readonly [string, Member])[] = [
    ['a FIFO', { type: 'fifo' }],
    ['a character device', { type: 'character-device', devmajor: 1, devminor: 5 }],
    ['a block device', { type: 'block-device', devmajor: 8, devminor: 0 }],
  ];
  test.each(special)('that is %s', async (_, member) => {
    await expectRefusalAtEveryDoor(await archiveOf({ ...members, [layer]: member }), 'DIMGX_SOURCE_BAD_MEMBER');
  });

  test('that is a FIFO in a folder', () => expectNodeRefused('p'));

  test.skipIf(lacks('root'))('that is a device in a folder (needs root)', () => expectNodeRefused('c', '1', '5'));

  test('that inflates without end', async () => {
    const zeros = gzipSync(Buffer.alloc(64 * MIB), { level: 9 });
    const head = gzipSync(
      rawEntry({ name: 'zeros', patch: { 124: '\x80\0\0\0\0\0\0\x02\x80\0\0\0' } }).subarray(0, 512),
    );
    const bomb = await archiveOf(storedLayer(Buffer.concat([head, ...Array(32).fill(zeros)]), diffIdOf(good)));
    await expectRefusalAtEveryDoor(bomb, 'DIMGX_LIMIT_SIZE', {
      args: ['--max-size', '100M'],
      unpacked: 100 * MIB,
    });
  });
});

describe('documents', () => {
  const [a = '', b = ''] = ['1', '2'].map((digit) => digit.repeat(64));
  const loop = dockerV1Archive([
    { id: a, parent: b, layer: good, tags: ['x:1'] },
    { id: b, parent: a, layer: good },
  ]);
  const other = Buffer.concat([good, Buffer.alloc(512)]);
  test.each<[string, Record<string, Member>, ErrorCode]>([
    [
      'that name a path outside',
      { ...members, ...manifest({ Layers: ['../../etc/passwd'] }) },
      'DIMGX_SOURCE_UNSAFE_PATH',
    ],
    [
      'that name a path of the host, which would be one of the archive',
      { ...members, ...manifest({ Layers: ['/etc/passwd'] }) },
      'DIMGX_SOURCE_MISSING_BLOB',
    ],
    [
      'that name a path above the top',
      { ...members, ...manifest({ Layers: ['/../etc/passwd'] }) },
      'DIMGX_SOURCE_UNSAFE_PATH',
    ],
    [
      'that name a config outside',
      { ...members, ...manifest({ Config: 'a/../../x.json' }) },
      'DIMGX_SOURCE_UNSAFE_PATH',
    ],
    [
      'that name a symlink to the host',
      { ...members, [layer]: { type: 'symlink', linkname: '/etc/passwd' } },
      'DIMGX_SOURCE_UNSAFE_PATH',
    ],
    [
      'that name a symlink outside',
      { ...members, [layer]: { type: 'symlink', linkname: '../../../../../../../etc/passwd' } },
      'DIMGX_SOURCE_UNSAFE_PATH',
    ],
    ['that name an absent layer', { ...members, ...manifest({ Layers: ['none'] }) }, 'DIMGX_SOURCE_MISSING_BLOB'],
    ['that name an absent config', { ...members, ...manifest({ Config: 'none.json' }) }, 'DIMGX_SOURCE_MISSING_BLOB'],
    ['of another digest', { ...members, [item.Config]: '{}' }, 'DIMGX_IMAGE_DIGEST_MISMATCH'],
    ['of a layer of another diff ID', { ...members, [layer]: other }, 'DIMGX_IMAGE_DIGEST_MISMATCH'],
    ['of a compressed layer of another', storedLayer(gzipSync(other), diffIdOf(good)), 'DIMGX_IMAGE_DIGEST_MISMATCH'],
    ['that are not JSON', { ...members, 'manifest.json': '[{"Config":"' }, 'DIMGX_IMAGE_BAD_JSON'],
    ['of the wrong shape', { ...members, ...manifest({ Config: {} }) }, 'DIMGX_IMAGE_BAD_JSON'],
    ['with parents in a loop', loop, 'DIMGX_LAYER_BAD_PARENT'],
    ['that are absurdly large', { ...members, 'manifest.json': ' '.repeat(5 * MIB) }, 'DIMGX_IMAGE_DOCUMENT_TOO_LARGE'],
  ])('%s', async (_, changed, code) => {
    await expectRefusalAtEveryDoor(await archiveOf(changed), code);
    await expectRefusal(await writeFolder(changed), code, { unpacked: 5 * MIB });
  });
});
