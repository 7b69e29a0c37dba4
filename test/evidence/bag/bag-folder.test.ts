import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BagFolder } from '#dimgx/evidence/bag/bag-folder.js';
import { temporaryFolder } from '../../helpers/members.js';
import { cannotMount, smallDisk } from '../../helpers/mounts.js';
import { brokenRules } from '../../helpers/rfc8493.js';
import { FACTS, filesOf, hexOf, SNAPSHOT, sampleBag } from '../../helpers/sample-bag.js';

const TEMPORARY = /^\.dimgx-[0-9a-f]{12}\.part$/;

describe('a bag that is complete', () => {
  test('keeps all rules of RFC 8493', async () => {
    expect(brokenRules(await sampleBag({ notes: 'a\nb: c', caseNumber: '17' }))).toEqual([]);
  });

  test('would be found to break them', async () => {
    const bag = await sampleBag();
    await rm(`${bag}/data/rootfs.tar`);
    await writeFile(`${bag}/data/new`, '');
    expect(brokenRules(bag)).toEqual([
      '3: manifest-sha256.txt: data/rootfs.tar is there',
      '3: manifest-sha256.txt: it lists data/new',
      '2.2.2: the Payload-Oxum, once',
    ]);
  });

  test('is read by sha256sum', async () => {
    const cwd = await sampleBag();
    const files = Object.keys(SNAPSHOT).map((path) => `data/${path}: OK`);
    const verify = (manifest: string) => execFileSync('sha256sum', ['-c', '--strict', manifest], { cwd }).toString();
    expect(verify('manifest-sha256.txt').trim().split('\n')).toEqual(files.sort());
    const tags = ['bag-info.txt', 'bagit.txt', 'manifest-sha256.txt', 'snapshot.json'];
    expect(verify('tagmanifest-sha256.txt').trim().split('\n')).toEqual(tags.map((name) => `${name}: OK`));
  });

  test('has the bytes that were written, and nothing beside it', async () => {
    const bag = await sampleBag();
    for (const [path, contents] of Object.entries(SNAPSHOT)) {
      expect(await readFile(`${bag}/data/${path}`, 'utf8')).toBe(contents);
    }
    expect(await filesOf(bag)).toHaveLength(Object.keys(SNAPSHOT).length + 5);
    expect(await readdir(dirname(bag))).toEqual(['bag']);
  });

  test('takes files that were written elsewhere, with a known sum or without', async () => {
    const bag = join(await temporaryFolder(), 'bag');
    const folder = await BagFolder.create(bag);
    await writeFile(folder.pathOf('image/known'), 'known');
    folder.know('image/known', { size: 5, sha256: hexOf('known') });
    await writeFile(folder.pathOf('unknown'), 'unknown');
    await folder.complete(FACTS);
    expect(brokenRules(bag)).toEqual([]);
    expect(await readFile(`${bag}/manifest-sha256.txt`, 'utf8')).toContain(`${hexOf('unknown')}  data/unknown\n`);
  });

  test('may have no payload', async () => {
    const bag = join(await temporaryFolder(), 'bag');
    await (await BagFolder.create(bag)).complete(FACTS);
    expect(brokenRules(bag)).toEqual([]);
  });

  test('takes the place and the mode of an empty directory, also through a symlink', async () => {
    const folder = await temporaryFolder();
    await mkdir(`${folder}/empty`);
    await chmod(`${folder}/empty`, 0o750);
    await symlink('empty', `${folder}/link`);
    await (await BagFolder.create(`${folder}/link/`)).complete(FACTS);
    expect(brokenRules(`${folder}/empty`)).toEqual([]);
    expect((await stat(`${folder}/empty`)).mode & 0o7777).toBe(0o750);
    expect((await readdir(folder)).sort()).toEqual(['empty', 'link']);
  });

  test('may have a name of 255 bytes', async () => {
    const bag = join(await temporaryFolder(), 'b'.repeat(255));
    await (await BagFolder.create(bag)).complete(FACTS);
    expect(brokenRules(bag)).toEqual([]);
  });
});

describe('a bag that is being made', () => {
  test('has another name, beside its place', async () => {
    const folder = await temporaryFolder();
    await mkdir(`${folder}/bag`);
    const bag = await BagFolder.create(`${folder}/bag`);
    await bag.write('a', Buffer.from('a'));
    expect((await readdir(folder)).sort()).toEqual([expect.stringMatching(TEMPORARY), 'bag']);
    expect(await readdir(`${folder}/bag`)).toEqual([]);
    await bag.discard();
    expect(await readdir(folder)).toEqual(['bag']);
  });

  test('is removed when it is discarded, with files that are still written', async () => {
    const folder = await temporaryFolder();
    const bag = await BagFolder.create(`${folder}/bag`);
    const file = bag.openFile('deep/er/file');
    const writing = file.write(Buffer.alloc(2 ** 22));
    await bag.discard();
    await writing;
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([
    ['a file', (path: string) => writeFile(path, 'theirs')],
    ['a directory that is not empty', (path: string) => mkdir(`${path}/theirs`, { recursive: true })],
  ])('does not replace %s that takes its place meanwhile', async (_, take) => {
    const folder = await temporaryFolder();
    const bag = await BagFolder.create(`${folder}/bag`);
    await take(`${folder}/bag`);
    await expect(bag.complete(FACTS)).rejects.toMatchObject({
      code: 'DIMGX_TARGET_UNWRITABLE',
      message: expect.stringContaining('is taken by now'),
    });
    await bag.discard();
    expect(await readdir(folder)).toEqual(['bag']);
  });

  test('goes with the folder around it, and is removed there', async () => {
    const folder = await temporaryFolder();
    await mkdir(`${folder}/old`);
    const bag = await BagFolder.create(`${folder}/old/bag`);
    await rename(`${folder}/old`, `${folder}/new`);
    await expect(bag.write('a', Buffer.of(1))).rejects.toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
    await bag.discard();
    expect(await readdir(`${folder}/new`)).toEqual([]);
  });
});

describe('when the caller aborts, nothing is left', () => {
  const MOMENTS: Readonly<Record<string, (bag: BagFolder) => Promise<unknown>>> = {
    'at the start': async () => {},
    'after a file': (bag) => bag.write('a', Buffer.from('a')),
    'while a file is open': async (bag) => bag.openFile('a/b/c').write(Buffer.alloc(100)),
    'while others write a file': async (bag) => writeFile(bag.pathOf('x/y'), 'z'),
  };

  test.each(Object.entries(MOMENTS))('%s, at once', async (_, reach) => {
    const folder = await temporaryFolder();
    const controller = new AbortController();
    const bag = await BagFolder.create(`${folder}/bag`, controller.signal);
    await reach(bag);
    expect(await readdir(folder)).toHaveLength(1);
    controller.abort();
    expect(await readdir(folder)).toEqual([]); // before anything is awaited that could remove it
    await expect(bag.write('b', Buffer.of())).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    await expect(bag.complete(FACTS)).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    await bag.discard();
    expect(await readdir(folder)).toEqual([]);
  });

  test('while the last files are hashed', async () => {
    const folder = await temporaryFolder();
    const controller = new AbortController();
    const bag = await BagFolder.create(`${folder}/bag`, controller.signal);
    await writeFile(bag.pathOf('large'), Buffer.alloc(2 ** 24));
    const completed = bag.complete(FACTS);
    controller.abort();
    await expect(completed).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    expect(await readdir(folder)).toEqual([]);
    await bag.discard();
  });

  test('before it begins', async () => {
    const folder = await temporaryFolder();
    const begun = BagFolder.create(`${folder}/bag`, AbortSignal.abort());
    await expect(begun).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    expect(await readdir(folder)).toEqual([]);
  });

  test('but a complete bag stays', async () => {
    const folder = await temporaryFolder();
    const controller = new AbortController();
    await (await BagFolder.create(`${folder}/bag`, controller.signal)).complete(FACTS);
    controller.abort();
    expect(brokenRules(`${folder}/bag`)).toEqual([]);
  });
});

describe('a place that does not do', () => {
  const refusal = async (path: string) => BagFolder.create(path).catch((failure: unknown) => failure);

  test.each<[string, (path: string) => Promise<unknown>, string]>([
    ['a file', (path) => writeFile(path, ''), 'is not a directory'],
    ['a FIFO', async (path) => execFileSync('mkfifo', [path]), 'is not a directory'],
    ['a symlink to a file', (path) => symlink('/etc/passwd', path), 'is not a directory'],
    ['a symlink to nothing', (path) => symlink('nothing', path), 'is a symlink to nothing'],
    ['a directory that is not empty', (path) => mkdir(`${path}/.hidden`, { recursive: true }), 'is not empty'],
    ['a symlink to such a directory', (path) => symlink('/etc', path), 'is not empty'],
  ])('is %s', async (_, make, why) => {
    const path = join(await temporaryFolder(), 'bag');
    await make(path);
    const message = expect.stringContaining(`"${path}" ${why}: name a new or an empty directory`);
    expect(await refusal(path)).toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE', path, message });
    expect(await readdir(dirname(path))).toEqual(['bag']);
  });

  test('is one whose parent is missing', async () => {
    const folder = await temporaryFolder();
    const message = expect.stringContaining(`the folder "${folder}/no" does not exist`);
    expect(await refusal(`${folder}/no/bag`)).toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE', message });
  });

  test('is one whose parent is a file', async () => {
    const folder = await temporaryFolder();
    await writeFile(`${folder}/file`, '');
    expect(await refusal(`${folder}/file/bag`)).toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
  });

  test('is a symlink loop', async () => {
    const folder = await temporaryFolder();
    await symlink('bag', `${folder}/bag`);
    expect(await refusal(`${folder}/bag`)).toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
  });

  test('has a name of 256 bytes', async () => {
    expect(await refusal(join(await temporaryFolder(), 'b'.repeat(256)))).toMatchObject({
      code: 'DIMGX_TARGET_UNWRITABLE',
    });
  });

  test('has no name', async () => {
    expect(await refusal('')).toMatchObject({ code: 'DIMGX_OPTION_INVALID' });
  });

  test('is the working directory, in which the shell would not see the bag', async () => {
    const [folder, before] = [await temporaryFolder(), process.cwd()];
    onTestFinished(() => process.chdir(before));
    process.chdir(folder);
    expect(await refusal('.')).toMatchObject({ message: expect.stringContaining('"." is the working directory') });
  });

  test.runIf(process.getuid?.() === 0)('cannot be written by the user (needs root)', async () => {
    const folder = await temporaryFolder();
    await chmod(folder, 0o555);
    process.seteuid?.(65534);
    try {
      expect(await refusal(`${folder}/bag`)).toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
    } finally {
      process.seteuid?.(0);
    }
  });

  test.skipIf(cannotMount())('is where a disk is mounted (needs mount)', async () => {
    const disk = await smallDisk(2 ** 16);
    expect(await refusal(disk)).toMatchObject({ message: expect.stringContaining('is where a disk is mounted') });
  });
});

describe.skipIf(cannotMount())('a disk that is too small (needs mount)', () => {
  const PAGE = 4096;
  /** For three files of two pages each and four tag files. */
  const NEEDED = 10;

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'with %i pages: the error names the bag, and nothing is left',
    async (pages) => {
      const disk = await smallDisk(pages * PAGE);
      expect(await fill(disk)).toMatchObject({
        code: 'DIMGX_TARGET_NO_SPACE',
        path: `${disk}/bag`,
        message: expect.stringContaining(`"${disk}/bag"`),
      });
      expect(await readdir(disk)).toEqual([]);
    },
  );

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('with %i inodes: the same', async (inodes) => {
    const disk = await smallDisk(NEEDED * PAGE, inodes);
    expect(await fill(disk)).toMatchObject({ code: 'DIMGX_TARGET_NO_SPACE', path: `${disk}/bag` });
    expect(await readdir(disk)).toEqual([]);
  });

  test('by nothing has room for the bag', async () => {
    const disk = await smallDisk(NEEDED * PAGE);
    expect(await fill(disk)).toBeUndefined();
    expect(brokenRules(`${disk}/bag`)).toEqual([]);
  });

  /** @returns what it fails with */
  async function fill(disk: string): Promise<unknown> {
    let bag: BagFolder | undefined;
    try {
      bag = await BagFolder.create(`${disk}/bag`);
      for (const path of ['a', 'b', 'c']) await bag.write(path, Buffer.alloc(2 * PAGE));
      return await bag.complete(FACTS);
    } catch (failure) {
      await bag?.discard();
      return failure;
    }
  }
});
