import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { chmod, link, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { flatten } from '#dimgx/flatten.js';
import { type FileSink, openFileSink } from '#dimgx/output/file-sink.js';
import { putInPlace } from '#dimgx/output/put-in-place.js';
import { temporaryFolder } from '../helpers/members.js';
import { runScript } from '../helpers/run-script.js';
import { damaged, sampleImage } from '../helpers/sample-image.js';

const TEMPORARY = /^\.dimgx-[0-9a-f]{12}\.part$/;

async function publish(sink: FileSink): Promise<void> {
  await sink.end();
  putInPlace([sink.file]);
  await sink.release();
}

function listing(tar: string): string {
  return execFileSync('tar', ['tf', tar]).toString();
}

describe('a new file', () => {
  test('has mode 0666 less the umask, and nothing stays beside it', async () => {
    const folder = await temporaryFolder();
    const { code, stderr } = await runScript('umask 027; dimgx -t "$1" "$2"', `${folder}/out.tar`, await sampleImage());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((await stat(`${folder}/out.tar`)).mode & 0o7777).toBe(0o640);
    expect(await readdir(folder)).toEqual(['out.tar']);
    expect(listing(`${folder}/out.tar`)).toBe('etc/\netc/hello\netc/new\n');
  });

  test('has a temporary name beside it until it is whole', async () => {
    const folder = await temporaryFolder();
    const sink = await openFileSink(`${folder}/out.tar`, false);
    await sink.write(Buffer.from('whole'));
    expect(await readdir(folder)).toEqual([expect.stringMatching(TEMPORARY)]);
    await publish(sink);
    expect(await readdir(folder)).toEqual(['out.tar']);
    expect(await readFile(`${folder}/out.tar`, 'utf8')).toBe('whole');
  });

  test('is not there when the work failed, and its temporary name is not either', async () => {
    const folder = await temporaryFolder();
    const failure = flatten(await damaged(await sampleImage()), `${folder}/out.tar`);
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_IMAGE_DIGEST_MISMATCH' });
    expect(await readdir(folder)).toEqual([]);
  });

  test('may have a name of 255 bytes', async () => {
    const folder = await temporaryFolder();
    const name = `${'ä'.repeat(125)}x.tar`;
    await flatten(await sampleImage(), join(folder, name));
    expect(await readdir(folder)).toEqual([name]);
  });

  test('does not overwrite one whose name appears while it is written', async () => {
    const folder = await temporaryFolder();
    const sink = await openFileSink(`${folder}/out.tar`, false);
    await sink.write(Buffer.from('mine'));
    await writeFile(`${folder}/out.tar`, 'theirs');
    await expect(publish(sink)).rejects.toMatchObject({ code: 'DIMGX_TARGET_EXISTS' });
    await sink.discard();
    expect(await readdir(folder)).toEqual(['out.tar']);
    expect(await readFile(`${folder}/out.tar`, 'utf8')).toBe('theirs');
  });

  test('overwrites one whose name appears while it is written under force', async () => {
    const folder = await temporaryFolder();
    const sink = await openFileSink(`${folder}/out.tar`, true);
    await sink.write(Buffer.from('mine'));
    await writeFile(`${folder}/out.tar`, 'theirs', { mode: 0o600 });
    await publish(sink);
    expect(await readdir(folder)).toEqual(['out.tar']);
    expect(await readFile(`${folder}/out.tar`, 'utf8')).toBe('mine');
    expect((await stat(`${folder}/out.tar`)).mode & 0o777).toBe(0o600);
  });

  test('does not replace what is no file any more, even under force', async () => {
    const folder = await temporaryFolder();
    const sink = await openFileSink(`${folder}/out.tar`, true);
    await mkdir(`${folder}/out.tar`);
    await expect(publish(sink)).rejects.toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
    await sink.discard();
    expect(await readdir(folder)).toEqual(['out.tar']);
    expect((await stat(`${folder}/out.tar`)).isDirectory()).toBe(true);
  });

  test('fails when its folder goes away while it is written', async () => {
    const folder = join(await temporaryFolder(), 'sub');
    await mkdir(folder);
    const sink = await openFileSink(`${folder}/out.tar`, false);
    await rm(folder, { recursive: true });
    await expect(publish(sink)).rejects.toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
    await sink.discard();
  });
});

describe('a file that is there', () => {
  test('is refused without force, before any work', async () => {
    const folder = await temporaryFolder();
    await writeFile(`${folder}/out.tar`, 'old');
    const failure = flatten('no-such-image', `${folder}/out.tar`);
    await expect(failure).rejects.toMatchObject({
      code: 'DIMGX_TARGET_EXISTS',
      message: expect.stringMatching(/out\.tar" exists$/),
    });
    expect(await readFile(`${folder}/out.tar`, 'utf8')).toBe('old');
  });

  test('is replaced under force, and its mode kept', async () => {
    const folder = await temporaryFolder();
    await writeFile(`${folder}/out.tar`, 'old');
    await chmod(`${folder}/out.tar`, 0o4751);
    await flatten(await sampleImage(), `${folder}/out.tar`, { force: true });
    expect((await stat(`${folder}/out.tar`)).mode & 0o7777).toBe(0o4751);
    expect(listing(`${folder}/out.tar`)).toContain('etc/hello');
    expect(await readdir(folder)).toEqual(['out.tar']);
  });

  test('is whole until it is replaced: a reader of the old one reads on', async () => {
    const folder = await temporaryFolder();
    await writeFile(`${folder}/out.tar`, 'old');
    await link(`${folder}/out.tar`, `${folder}/second-name`);
    const sink = await openFileSink(`${folder}/out.tar`, true);
    await sink.write(Buffer.from('new'));
    expect(await readFile(`${folder}/out.tar`, 'utf8')).toBe('old');
    await publish(sink);
    expect(await readFile(`${folder}/out.tar`, 'utf8')).toBe('new');
    expect(await readFile(`${folder}/second-name`, 'utf8')).toBe('old');
  });

  test('stays as it is when the work fails under force', async () => {
    const folder = await temporaryFolder();
    await writeFile(`${folder}/out.tar`, 'old');
    const failure = flatten(await damaged(await sampleImage()), `${folder}/out.tar`, { force: true });
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_IMAGE_DIGEST_MISMATCH' });
    expect(await readdir(folder)).toEqual(['out.tar']);
    expect(await readFile(`${folder}/out.tar`, 'utf8')).toBe('old');
  });

  test('may be the archive that is read', async () => {
    const archive = await sampleImage({ large: 6 * 1024 * 1024 });
    await flatten(archive, archive, { force: true });
    expect(listing(archive)).toBe('etc/\netc/hello\netc/new\nlarge\n');
  });
});

describe('symlinks', () => {
  test('one to a file leads to that file, and stays', async () => {
    const folder = await temporaryFolder();
    await mkdir(`${folder}/real`);
    await writeFile(`${folder}/real/file`, 'old');
    await symlink('real/file', `${folder}/out.tar`);
    await flatten(await sampleImage(), `${folder}/out.tar`, { force: true });
    expect(await readdir(`${folder}/real`)).toEqual(['file']);
    expect(listing(`${folder}/real/file`)).toContain('etc/hello');
    expect(await readdir(folder)).toEqual(['out.tar', 'real']);
  });

  test('one to a name that is missing makes that file', async () => {
    const folder = await temporaryFolder();
    await mkdir(`${folder}/real`);
    await symlink('second', `${folder}/out.tar`);
    await symlink('real/file', `${folder}/second`);
    await flatten(await sampleImage(), `${folder}/out.tar`);
    expect(listing(`${folder}/real/file`)).toContain('etc/hello');
    expect(await readdir(folder)).toEqual(['out.tar', 'real', 'second']);
  });

  test('".." behind a symlinked folder is the parent of what that points at', async () => {
    const folder = await temporaryFolder();
    await mkdir(`${folder}/a/b`, { recursive: true });
    await symlink('a/b', `${folder}/shortcut`);
    await symlink('../from-link.tar', `${folder}/a/b/link`);
    await flatten(await sampleImage(), `${folder}/shortcut/../plain.tar`);
    await flatten(await sampleImage(), `${folder}/shortcut/link`);
    expect((await readdir(`${folder}/a`)).sort()).toEqual(['b', 'from-link.tar', 'plain.tar']);
    expect(await readdir(folder)).toEqual(['a', 'shortcut']);
  });

  test('a loop is refused', async () => {
    const folder = await temporaryFolder();
    await symlink('b', `${folder}/a`);
    await symlink('a', `${folder}/b`);
    await expect(flatten('no-such-image', `${folder}/a`)).rejects.toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
  });
});

test('a relative target is beside where the program runs', async () => {
  const folder = await temporaryFolder();
  const { code } = await runScript(
    'mkdir "$1/sub"; cd "$1/sub"; dimgx -t ../out.tar "$2"',
    folder,
    await sampleImage(),
  );
  expect(code).toBe(0);
  expect(await readdir(folder)).toEqual(['out.tar', 'sub']);
});

describe('on a file system without hard links', () => {
  const refuse = Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' });
  const ioError = Object.assign(new Error('EIO: i/o error, rename'), { code: 'EIO' });

  const fail = (error: Error) => () => {
    throw error;
  };

  /** Replaces a function for all that imports it, until the test is over. */
  function replaced(name: 'linkSync' | 'renameSync') {
    const spy = vi.spyOn(fs, name);
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });
    syncBuiltinESMExports();
    return spy;
  }

  test('a new file is published all the same', async () => {
    const folder = await temporaryFolder();
    const link = replaced('linkSync').mockImplementationOnce(fail(refuse));
    await flatten(await sampleImage(), `${folder}/out.tar`);
    expect(link).toHaveBeenCalledOnce();
    expect(await readdir(folder)).toEqual(['out.tar']);
    expect(listing(`${folder}/out.tar`)).toContain('etc/hello');
  });

  test('a name that has appeared is not overwritten', async () => {
    const folder = await temporaryFolder();
    replaced('linkSync').mockImplementationOnce(() => {
      fs.writeFileSync(`${folder}/out.tar`, 'theirs');
      throw refuse;
    });
    await expect(flatten(await sampleImage(), `${folder}/out.tar`)).rejects.toMatchObject({
      code: 'DIMGX_TARGET_EXISTS',
    });
    expect(await readdir(folder)).toEqual(['out.tar']);
    expect(await readFile(`${folder}/out.tar`, 'utf8')).toBe('theirs');
  });

  test('the name that was claimed is given back when publishing fails', async () => {
    const folder = await temporaryFolder();
    replaced('linkSync').mockImplementationOnce(fail(refuse));
    replaced('renameSync').mockImplementationOnce(fail(ioError));
    const failure = flatten(await sampleImage(), `${folder}/out.tar`);
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
    expect(await readdir(folder)).toEqual([]);
  });
});
