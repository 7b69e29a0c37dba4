import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nodeZstd } from '#dimgx/compression/zstd.js';
import type { Warning } from '#dimgx/errors.js';
import type { TargetOptions } from '#dimgx/options.js';
import { findDestination } from '#dimgx/output/destination.js';
import { lacks } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { publicCopy } from '../helpers/public-copy.js';
import { runScript } from '../helpers/run-script.js';
import { sampleImage } from '../helpers/sample-image.js';

const find = (target: string, options: TargetOptions = {}) => findDestination(target, options, () => undefined);

describe('refused before any work', () => {
  test.each([
    ['an existing folder', '', /is a directory: name a file/],
    ['a name with a slash at its end', '/new/', /\/new\/" names a directory: name a file/],
    ['a file with a slash at its end', '/file/', /\/file\/" names a directory: name a file/],
    ['a missing folder', '/missing/out.tar', /out\.tar" cannot be written: the folder ".*\/missing" does not exist$/],
    ['a file in the place of a folder', '/file/out.tar', /\(ENOTDIR: not a directory\)/],
    ['a name that is too long', `/${'x'.repeat(256)}`, /\(ENAMETOOLONG: name too long\)/],
  ])('%s', async (_, name, message) => {
    const folder = await temporaryFolder();
    await writeFile(`${folder}/file`, '');
    await expect(find(`${folder}${name}`)).rejects.toMatchObject({
      code: 'DIMGX_TARGET_UNWRITABLE',
      message: expect.stringMatching(message),
    });
  });

  test('no name at all', async () => {
    const message = 'the target must be a path or a Writable, not ""';
    await expect(find('')).rejects.toMatchObject({ code: 'DIMGX_OPTION_INVALID', message });
  });

  test('a socket', async () => {
    const path = `${await temporaryFolder()}/socket`;
    const server = createServer().listen(path);
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    await expect(find(path)).rejects.toMatchObject({
      code: 'DIMGX_TARGET_UNWRITABLE',
      message: expect.stringMatching(/is a socket/),
    });
  });

  test('a descriptor that is not open', async () => {
    await expect(find('/dev/fd/987')).rejects.toMatchObject({
      code: 'DIMGX_TARGET_UNWRITABLE',
      message: expect.stringMatching(/is not open/),
    });
  });

  test.skipIf(lacks('root', 'setpriv'))(
    'a folder that may not be written (needs root and setpriv, to be somebody else)',
    async () => {
      const { node, bin } = await publicCopy();
      const folder = await temporaryFolder();
      await mkdir(`${folder}/closed`, { mode: 0o755 });
      const { code, stderr, stdout } = await runScript(
        'chmod 755 "$1"; setpriv --reuid=65534 --regid=65534 --clear-groups "$2" "$3" -t "$1/closed/out.tar" /no/image',
        folder,
        node,
        bin,
      );
      expect({ code, stdout: stdout.toString() }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(
        /^dimgx: DIMGX_TARGET_UNWRITABLE: ".*\/closed\/out.tar" cannot be written \(EACCES: permission denied\): choose another place\n$/,
      );
    },
  );
});

test('a name that drives terminals is shown escaped', async () => {
  const { stderr } = await runScript("dimgx -t $'/missing/\\e[31m\\nx' /no/image");
  expect(stderr).toMatch(/^dimgx: DIMGX_TARGET_UNWRITABLE: "\/missing\/\\x1b\[31m\\nx" .*\n$/);
});

describe('compression', () => {
  async function compressionOf(name: string, options: TargetOptions = {}) {
    const warnings: Warning[] = [];
    const folder = await temporaryFolder();
    const { encoder } = await findDestination(`${folder}/${name}`, options, (warning) => warnings.push(warning));
    return { codec: encoder?.compression, level: encoder?.level, warnings: warnings.map(({ code }) => code) };
  }
  const AT_ODDS = ['DIMGX_TARGET_EXTENSION'];

  test.each<[string, TargetOptions, string | undefined, string[]]>([
    ['out.tar', {}, undefined, []],
    ['out', {}, undefined, []],
    ['out.tar.gz', {}, 'gzip', []],
    ['OUT.TGZ', {}, 'gzip', []],
    ['out.tar.gz', { compression: 'gzip' }, 'gzip', []],
    ['out', { compression: 'gzip' }, 'gzip', []],
    ['out.tar', { compression: 'gzip' }, 'gzip', AT_ODDS],
    ['out.tar.gz', { compression: 'none' }, undefined, AT_ODDS],
    ['out.tar.xz', { compression: 'gzip' }, 'gzip', AT_ODDS],
    ['out.tar', { compression: 'none' }, undefined, []],
  ])('%s with %o', async (name, options, codec, warnings) => {
    expect(await compressionOf(name, options)).toMatchObject({ codec, warnings });
  });

  test.each<[string, string, number]>([
    ['out.tar.bz2', 'bzip2', 9],
    ['OUT.TBZ2', 'bzip2', 9],
    ['out.tar.xz', 'xz', 6],
    ['out.txz', 'xz', 6],
  ])('%s is compressed with %s', async (name, codec, level) => {
    expect(await compressionOf(name)).toEqual({ codec, level, warnings: [] });
    await expect(compressionOf(name, { level: 10 })).rejects.toMatchObject({ code: 'DIMGX_OPTION_INVALID' });
  });

  test.skipIf(!nodeZstd()).each(['out.tar.zst', 'OUT.TZST'])('%s with {} (from Node 22.15 on)', async (name) => {
    expect(await compressionOf(name)).toMatchObject({ codec: 'zstd', level: 3 });
    await expect(compressionOf(name, { level: 20 })).rejects.toMatchObject({ code: 'DIMGX_OPTION_INVALID' });
  });

  test.each([0, 1, 6, 9])('gzip has level %i', async (level) => {
    expect(await compressionOf('out.tgz', { level })).toMatchObject({ codec: 'gzip', level });
  });

  test.each([-1, 10, 1.5, Number.NaN])('gzip has no level %d', async (level) => {
    await expect(compressionOf('out.tgz', { level })).rejects.toMatchObject({ code: 'DIMGX_OPTION_INVALID' });
  });

  test('a level of the command line that gzip has not is bad usage', async () => {
    const { code, stderr } = await runScript('dimgx -z --compress-level 10 -t - /no/image | cat; exit $PIPESTATUS');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'dimgx: DIMGX_OPTION_INVALID: gzip has levels 0 to 9, not 10\n',
    });
  });

  test('extension and option at odds are one warning, and the option holds', async () => {
    const folder = await temporaryFolder();
    const { code, stderr } = await runScript(
      'dimgx -z -t "$1/out.tar" "$2" && gzip -t < "$1/out.tar"',
      folder,
      await sampleImage(),
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^dimgx: warning: DIMGX_TARGET_EXTENSION: ".*out\.tar" suggests no compression, not gzip\n$/,
    );
  });
});
