import { execFileSync, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { diffIdOf, layerOf } from '../../helpers/built-image.js';
import { dockerArchive } from '../../helpers/docker-archive.js';
import { lacks } from '../../helpers/engines.js';
import { expectRefusalAtEveryDoor } from '../../helpers/every-door.js';
import { archiveOf, temporaryFolder, writeArchive } from '../../helpers/members.js';
import { refusal } from '../../helpers/opened.js';
import { rawEntry, rawTar } from '../../helpers/raw-tar.js';
import { runCommand } from '../../helpers/run-command.js';
import { runDimgx } from '../../helpers/run-dimgx.js';
import { callDimgx } from '../../helpers/shared-dimgx.js';
import { storedLayer } from '../../helpers/stored-layer.js';

const binary = Buffer.from(Array.from({ length: 4000 }, (_, at) => (at * 97 + 131) % 256));
const layer = await layerOf({ a: binary });
const archive = await archiveOf(dockerArchive([{ tags: ['app:1'], layers: [layer] }]));
const latin1 = (text: string) => Buffer.from(text, 'latin1');
const padded = (head: string, length = 3000) => Buffer.concat([latin1(head), binary.subarray(0, length)]);

/** Bytes at an offset behind zeros, and zeros behind them. */
function at(offset: number, magic: string, head = ''): Buffer {
  const all = Buffer.alloc(offset + 4096);
  all.write(head, 0, 'latin1');
  all.write(magic, offset, 'latin1');
  return all;
}

const utf16 = (bytes: Buffer) => Buffer.from(bytes.toString('latin1'), 'utf16le');
const swapped = (bytes: Buffer) => Buffer.from(bytes).swap16();
const asUtf8 = (bytes: Buffer) => Buffer.from(bytes.toString('utf8'));
const asLatin1 = (bytes: Buffer) => Buffer.from(bytes.toString('latin1'));
const zipped = gzipSync(archive);
const exported = rawTar(rawEntry({ name: './', type: '5' }), rawEntry({ name: './etc/passwd' }, binary));
const XZ = Buffer.concat([latin1('\xfd7zXZ\0\0\x04'), binary]);
const ZSTD = Buffer.concat([latin1('\x28\xb5\x2f\xfd\xa4'), binary]);

const SAVE = 'save the image again with docker save -o FILE NAME';
const FORMATS: readonly (readonly [name: string, bytes: Buffer, says: string, advice: string])[] = [
  ['UTF-16 with its mark', Buffer.concat([latin1('\xff\xfe'), utf16(archive)]), 'is UTF-16 text', SAVE],
  ['UTF-16 without', utf16(archive), 'is UTF-16 text', SAVE],
  ['UTF-16 of short names', utf16(exported), 'is UTF-16 text', SAVE],
  ['UTF-16 the other way round', swapped(utf16(archive)), 'is UTF-16 text', SAVE],
  [
    'UTF-16 the other way round, marked',
    swapped(Buffer.concat([latin1('\xff\xfe'), utf16(archive)])),
    'is UTF-16',
    SAVE,
  ],
  ['gzip in UTF-16', utf16(zipped), 'is UTF-16 text', SAVE],
  [
    'gzip in UTF-16 of an old code page',
    Buffer.from('\x1f\u00ef\x08\0\0\0\0\0\u2588\x03', 'utf16le'),
    'is UTF-16',
    SAVE,
  ],
  ['a few words in UTF-16', utf16(latin1('{"a":"b"}')), 'is UTF-16 text', SAVE],
  ['gzip that became UTF-8', asUtf8(zipped), 'is gzip data that was read as UTF-8 text', SAVE],
  ['gzip from Latin-1', asLatin1(zipped), 'is gzip data that was read as Latin-1 text', SAVE],
  ['xz that became UTF-8', asUtf8(XZ), 'is xz data that was read as UTF-8 text', SAVE],
  ['zstd that became UTF-8', asUtf8(ZSTD), 'is zstd data that was read as UTF-8 text', SAVE],
  ['an archive behind a mark', Buffer.concat([latin1('\xef\xbb\xbf'), archive]), 'behind the mark of UTF-8', SAVE],
  ['an HTML page', latin1('\n<!DOCTYPE html><title>Sign in</title>'), 'is an HTML page', 'download the file again'],
  ['HTML without a type', latin1('<html><body>502 Bad Gateway'), 'is an HTML page', 'begins with "<html><body>502 Bad'],
  [
    'HTML behind a comment',
    latin1(`<!-- x -->\n<html>${' '.repeat(2000)}`),
    'is an HTML page',
    'download the file again',
  ],
  ['XML', latin1('<?xml version="1.0"?><Error><Code>AccessDenied</Code>'), 'is an XML document', 'AccessDenied'],
  ['XML without a head', latin1('<Error><Code>AccessDenied</Code></Error>'), 'is an XML document', 'AccessDenied'],
  ['a pointer', latin1('version https://git-lfs.github.com/spec/v1\noid sha256:00\n'), 'of git-lfs', 'git lfs pull'],
  ['JSON', latin1('{"errors":[{"code":"UNAUTHORIZED"}]}'), 'is a JSON document', 'UNAUTHORIZED'],
  ['long JSON', latin1(`[{"a": "${'b'.repeat(5000)}"}]`), 'is a JSON document', 'give dimgx the whole image'],
  ['an error message', latin1('Error response from daemon: No such image: foo\n'), 'is text', 'No such image: foo"'],
  ['text of other letters', Buffer.from('Größe: '.repeat(1000)), 'is text', 'begins with "Größe: Größe'],
  ['a script', latin1('#!/bin/sh\nexit 1\n'), 'is a script', 'begins with "#!/bin/sh exit 1"'],
  ['gzip in base64', latin1(zipped.toString('base64')), 'is gzip data in base64', ' | dimgx -'],
  ['ZIP', padded('PK\x03\x04\x14\0'), 'is a ZIP archive', 'unpack it first with unzip'],
  ['an empty ZIP', padded('PK\x05\x06'), 'is an empty ZIP archive', 'unpack it first'],
  ['7-Zip', padded('7z\xbc\xaf\x27\x1c'), 'is a 7-Zip archive', 'unpack it first with 7z x'],
  ['RAR', padded('Rar!\x1a\x07\x01\0'), 'is a RAR archive', 'unpack it first with unrar x'],
  ['cpio', padded('070701'), 'is a cpio archive', 'unpack it first'],
  ['LZ4', padded('\x04\x22\x4d\x18'), 'is LZ4 data', 'decompress it first: lz4 -dc '],
  ['lzip', padded('LZIP\x01'), 'is lzip data', 'decompress it first: lzip -dc '],
  ['LZMA', padded('\x5d\0\0\x80\0'), 'is LZMA data', 'decompress it first: xz -dc '],
  ['compress', padded('\x1f\x9d\x90'), 'is data of compress (.Z)', 'decompress it first: gzip -dc '],
  ['lzop', padded('\x89LZO\0\r\n\x1a\n'), 'is lzop data', 'decompress it first: lzop -dc '],
  [
    'SIF',
    at(32, 'SIF_MAGIC\0', '#!/usr/bin/env run-singularity\n'),
    'is a SIF image',
    'the image that it was built from',
  ],
  ['squashfs', padded('hsqs'), 'is a squashfs file system', 'mount or unpack it'],
  ['EROFS', at(1024, '\xe2\xe1\xf5\xe0'), 'is an EROFS file system', 'mount or unpack it'],
  ['ext4', at(1080, '\x53\xef'), 'is an ext2, ext3 or ext4 file system', 'mount or unpack it'],
  [
    'ext4 behind a boot loader',
    at(1080, '\x53\xef', `\xeb\x63${'\x01'.repeat(508)}\x55\xaa`),
    'ext4',
    'mount or unpack',
  ],
  ['ISO 9660', at(32_769, 'CD001'), 'is an ISO 9660 file system', 'mount or unpack it'],
  [
    'a bootable ISO',
    at(32_769, 'CD001', `\x45\x52${'\x90'.repeat(508)}\x55\xaa`),
    'is an ISO 9660',
    'mount or unpack it',
  ],
  ['btrfs', at(65_600, '_BHRfS_M'), 'is a btrfs file system', 'mount or unpack it'],
  ['qcow2', padded('QFI\xfb\0\0\0\x03'), 'is a qcow2 disk image', 'virtual machine'],
  ['VMDK', padded('KDMV\x01\0\0\0'), 'is a VMDK disk image', 'virtual machine'],
  ['VHDX', padded('vhdxfile'), 'is a VHDX disk image', 'virtual machine'],
  ['a disk', at(512, 'EFI PART'), 'is a disk image', 'virtual machine'],
  ['an RPM', padded('\xed\xab\xee\xdb\x03\0'), 'is an RPM package', 'reads images of containers'],
  ['a Debian package', padded('!<arch>\ndebian-binary   '), 'is a Debian package', 'reads images of containers'],
  ['ar', padded('!<arch>\nx.o/            '), 'is an ar archive', 'unpack it first with ar x'],
  ['age', latin1('age-encryption.org/v1\n'), 'is data encrypted by age', 'decrypt it first'],
  ['a program', padded('\x7fELF\x02\x01'), 'is an ELF program', 'make one with docker save -o FILE NAME'],
];

async function file(bytes: Uint8Array, name = 'image.tar'): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, bytes);
  return path;
}

describe('a file that is not an archive is called what it is, with what to do', () => {
  test.each(FORMATS)('%s', async (_, bytes, says, advice) => {
    const path = await file(bytes);
    for (const prefix of ['', 'docker-archive:', 'oci-archive:', 'oci:', 'dir:']) {
      const { code, message } = await refusal(`${prefix}${path}`);
      expect(code).toBe('DIMGX_TAR_NOT_A_TAR');
      expect(message).toContain(says);
      expect(message.startsWith(`${path} is `)).toBe(true);
      expect(message).toContain(advice);
      expect(message).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,600}$/u);
    }
  });

  test.each(FORMATS)('%s inside gzip', async (_, bytes, says) => {
    const path = await file(gzipSync(bytes));
    const { code, message } = await refusal(path);
    expect(code).toBe('DIMGX_TAR_NOT_A_TAR');
    expect(message.startsWith(`${path} decompresses to `)).toBe(true);
    expect(message).toContain(says.replace(/^is /, ''));
  });

  test.each(FORMATS.filter(([name]) => ['UTF-16 without', 'an error message', 'btrfs', 'LZ4'].includes(name)))(
    '%s on standard input, too',
    (_, bytes, says) => expectRefusalAtEveryDoor(bytes, 'DIMGX_TAR_NOT_A_TAR', { saying: says.replace(/^is /, '') }),
  );

  test('a FIFO', async () => {
    const path = join(await temporaryFolder(), 'fifo');
    execFileSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', 'printf "<html>no" > "$0"', path], { stdio: 'ignore' });
    expect((await refusal(path)).message).toContain(`${path} is an HTML page, not an image archive`);
    expect(writer.exitCode ?? 0).toBe(0);
  });

  test('what never ends is refused by its beginning', async () => {
    const path = join(await temporaryFolder(), 'fifo');
    execFileSync('mkfifo', [path]);
    spawn('sh', ['-c', 'exec yes > "$0"', path], { stdio: 'ignore' });
    expect((await refusal(path)).message).toContain('is text, not an image archive');
  });

  test('unknown bytes are shown', async () => {
    const path = await file(latin1('\x91\x7c'.padEnd(5000, '\x9a')));
    const message = `${path} cannot be read as an archive: this is not a tar archive, and not compressed in a format that dimgx knows: it begins with 917c9a9a9a9a9a9a`;
    expect(await refusal(path)).toMatchObject({ code: 'DIMGX_TAR_NOT_A_TAR', message });
  });

  test('what it says is shown without what would drive a terminal', async () => {
    expect((await refusal(await file(latin1('oh\x1b[2Jno')))).message).toContain('"oh\\x1b[2Jno"');
  });

  test.each(['index.json', 'manifest.json'])('a document %s of an image: its directory is offered', async (name) => {
    const path = await file(latin1('{"schemaVersion":2}'), name);
    expect((await refusal(path)).message).toContain(`: dimgx ${join(path, '..')};`);
  });

  test('a path with blanks is offered as one word', async () => {
    const path = await file(padded('\x04\x22\x4d\x18'), "my image's.tar");
    expect((await refusal(path)).message).toContain(`lz4 -dc '${path.replace("'", "'\\''")}' | dimgx -`);
  });
});

describe('what is empty is called so', () => {
  test.each([
    ['a file', Buffer.alloc(0), 'is empty: nothing was saved into it'],
    ['a compressed file', gzipSync(''), 'is empty: nothing was saved into it'],
    ['an archive', Buffer.alloc(10_240), 'is an archive without any file'],
  ])('%s', async (_, bytes, says) => {
    const path = await file(bytes);
    expect(await refusal(path)).toMatchObject({
      code: 'DIMGX_SOURCE_NOT_AN_IMAGE',
      message: expect.stringContaining(`${path} ${says}`),
    });
  });

  test('standard input', async () => {
    const { stderr, code } = await runDimgx('-t', '-', '-');
    expect({ stderr, code }).toEqual({
      stderr: 'dimgx: DIMGX_SOURCE_NOT_AN_IMAGE: standard input is empty: no data came\n',
      code: 2,
    });
  });
});

describe('what is compressed twice is called so, and the command that is offered reads it', () => {
  const compress = async (bytes: Buffer, [program, ...args]: readonly string[]) =>
    (await runCommand(program as string, [...args, '-c'], { input: bytes })).stdout;
  test.skipIf(lacks('gzip', 'xz', 'zstd', 'bzip2')).each([
    ['gzip', 'gzip'],
    ['xz', 'gzip'],
    ['zstd', 'gzip'],
    ['bzip2', 'gzip'],
    ['gzip', 'xz'],
    ['gzip', 'zstd'],
    ['zstd', 'bzip2'],
  ])('%s in %s (needs gzip, xz, zstd and bzip2)', async (inner, outer) => {
    const twice = await compress(await compress(archive, [inner]), [outer]);
    const path = await file(twice);
    const message = `${path} is compressed twice: it decompresses to ${inner} data; decompress it once: ${outer} -dc ${path} | dimgx -`;
    expect(await refusal(path)).toMatchObject({ code: 'DIMGX_TAR_NOT_A_TAR', message });
    const once = await file((await runCommand(outer, ['-dc', path])).stdout);
    expect((await callDimgx(once)).code).toBe(0);

    const stored = await writeArchive(
      storedLayer(await compress(await compress(layer, [inner]), [outer]), diffIdOf(layer)),
    );
    const { stderr, code } = await callDimgx('-t', '-', stored);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      new RegExp(
        `^dimgx: DIMGX_TAR_NOT_A_TAR: layer \\w+.*: this is compressed twice: it decompresses to ${inner} data, not to a tar archive`,
      ),
    );
  });
});

test.skipIf(lacks('lz4', 'zip', 'xz', 'mke2fs'))(
  'what real programs write is known (needs lz4, zip, xz and mke2fs)',
  async () => {
    const path = await file(archive);
    const folder = join(path, '..');
    await runCommand('lz4', ['-q', path, `${path}.lz4`]);
    await runCommand('zip', ['-q', `${path}.zip`, path]);
    await runCommand('xz', ['-k', '--format=lzma', path]);
    await runCommand('mke2fs', ['-q', '-t', 'ext4', join(folder, 'ext4'), '1M']);
    const names: readonly (readonly [string, string])[] = [
      [`${path}.lz4`, 'LZ4 data'],
      [`${path}.zip`, 'a ZIP archive'],
      [`${path}.lzma`, 'LZMA data'],
      [join(folder, 'ext4'), 'an ext2, ext3 or ext4 file system'],
    ];
    for (const [at, name] of names)
      expect((await refusal(at)).message).toContain(`${at} is ${name}, not an image archive`);
  },
);

test('an archive that was damaged as text is called so where its headers are', async () => {
  const bytes = asUtf8(rawTar(rawEntry({ name: 'a' }, binary.subarray(1, 3400)), rawEntry({ name: 'b' }, binary)));
  const failure = await refusal(await file(bytes));
  expect(failure.code).toMatch(/^DIMGX_TAR_/);
  expect(failure.message).toContain('perhaps a shell or a program rewrote the bytes as text');
  const other = Buffer.from(archive);
  other.write('Manifest', archive.lastIndexOf('manifest.json'), 'latin1');
  expect((await refusal(await file(other))).message).not.toContain('as text');
});
