import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { appendFile, mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { problemsOf } from '../../helpers/checked-bag.js';
import { temporaryFolder } from '../../helpers/members.js';
import { folderOf, handMadeBag, hexOf } from '../../helpers/sample-bag.js';

const invalid = (text: string) => expect.stringMatching(new RegExp(`^DIMGX_BAG_INVALID .*${text}`));

/** A bag whose manifest lists one path more, and beside it a file with just the digest that is listed. */
async function bagWithPath(path: string, manifest: 'manifest-sha256.txt' | 'tagmanifest-sha256.txt') {
  const bag = await handMadeBag();
  await writeFile(join(dirname(bag), 'outside'), 'outside');
  await appendFile(`${bag}/${manifest}`, `${hexOf('outside')}  ${path}\n`);
  if (manifest === 'manifest-sha256.txt') await rm(`${bag}/tagmanifest-sha256.txt`);
  return bag;
}

describe('a path in the payload manifest', () => {
  test.each([
    ['../outside', 'leads out of its folder'],
    ['data/../../outside', 'leads out of its folder'],
    ['data/..', 'leads out of its folder'],
    ['/etc/passwd', 'is absolute'],
    ['//data/a', 'is absolute'],
    ['data/./c', 'has an empty name or a dot between slashes'],
    ['data//c', 'has an empty name or a dot between slashes'],
    ['data/c/', 'has an empty name or a dot between slashes'],
    ['././data/c', 'has an empty name or a dot between slashes'],
    ['data', 'is not below data/'],
    ['DATA/c', 'is not below data/'],
    ['data\\..\\c', 'is not below data/'],
    ['~/c', 'is not below data/'],
    ['~root/c', 'is not below data/'],
    ['C:/c', 'is not below data/'],
    ['bagit.txt', 'is not below data/'],
    ['data/c\0d', 'has a NUL byte'],
    [`data/${'c/'.repeat(2050)}d`, 'is longer than 4095 bytes'],
  ])('%j is refused', async (path, why) => {
    const [problem, ...more] = (await problemsOf(await bagWithPath(path, 'manifest-sha256.txt'))).slice(-1);
    expect([problem, more]).toEqual([invalid(`manifest-sha256.txt, line 3: the path ".*" ${why}$`), []]);
  });

  test.each([
    ['%2E%2E/outside', 'is not below data/'],
    ['data/%2e%2e/%2e%2e/outside', undefined],
    ['data%2F..%2F..%2Foutside', 'is not below data/'],
    ['data/..%0A', undefined],
  ])('%s is decoded no further than line breaks and percent signs', async (path, why) => {
    const problems = await problemsOf(await bagWithPath(path, 'manifest-sha256.txt'));
    const missing = expect.stringMatching(/^missing data\/.* is missing: manifest-sha256.txt lists it$/);
    expect(problems).toEqual([why === undefined ? missing : invalid(why)]);
  });

  test.each(['data/a', './data/a', '*data/a', 'data/%61'])('%s, a second time, is refused', async (path) => {
    const problems = await problemsOf(await bagWithPath(path, 'manifest-sha256.txt'));
    const twice = 'manifest-sha256.txt lists "data/a" twice$';
    expect(problems).toEqual([path.includes('%') ? expect.stringMatching(/^missing data\/%61 /) : invalid(twice)]);
  });

  test('that is refused is shown so that no terminal obeys it', async () => {
    const problems = await problemsOf(await bagWithPath('data/\x1b[2J\u202e/..', 'manifest-sha256.txt'));
    expect(problems).toEqual([invalid('the path "data/.x1b.2J.u.202e./.." leads out of its folder')]);
  });
});

describe('a path in a tag manifest', () => {
  test.each([
    ['../outside', 'leads out of its folder'],
    ['/etc/passwd', 'is absolute'],
    ['data/a', 'is in a tag manifest, but below data/'],
    ['Data/a', 'is in a tag manifest, but below data/'],
    ['x/../../outside', 'leads out of its folder'],
  ])('%s is refused', async (path, why) => {
    const problems = await problemsOf(await bagWithPath(path, 'tagmanifest-sha256.txt'));
    expect(problems).toEqual([invalid(`tagmanifest-sha256.txt, line 3: the path ".*" ${why}$`)]);
  });
});

describe('a line of a manifest is refused', () => {
  const digest = hexOf('c');

  test.each([
    ['without a path', digest],
    ['without a path, but blanks', `${digest}  `],
    ['without a blank', `${digest}data/c`],
    ['with another blank', `${digest}\u00a0data/c`],
    ['with a short digest', `${digest.slice(1)}  data/c`],
    ['with a long digest', `${digest}0  data/c`],
    ['with a digest of mixed case', `${digest.slice(0, 32).toUpperCase()}${digest.slice(32)}  data/c`],
    ['with a digest that is not hex', `${'g'.repeat(64)}  data/c`],
    ['with a backslash before the digest, as sha256sum writes for odd names', `\\${digest}  data/c\\n`],
    ['that is a comment', '# made by hand'],
    ['in the form of BSD', `SHA256 (data/c) = ${digest}`],
  ])('%s', async (_, line) => {
    const bag = await handMadeBag({ lines: `${line}\n` });
    expect(await problemsOf(bag)).toEqual([invalid('manifest-sha256.txt, line 3: this is not the sha256 of a file')]);
  });

  test('that is longer than any path', async () => {
    const bag = await handMadeBag({ lines: `${digest}  data/${'c'.repeat(40_000)}\n` });
    expect(await problemsOf(bag)).toEqual([
      invalid('manifest-sha256.txt, line 3: the line is longer than 32768 bytes'),
    ]);
  });

  test('in UTF-16', async () => {
    const text = Buffer.from(`\ufeff${digest}  data/c\n`, 'utf16le');
    const bag = await handMadeBag({ files: { 'manifest-sha256.txt': text } });
    expect(await problemsOf(bag)).toEqual([invalid('manifest-sha256.txt, line 1: ')]);
  });
});

describe('sizes', () => {
  test('a manifest of 8 TiB of zeros ends the check at once', async () => {
    const bag = await handMadeBag();
    await rm(`${bag}/tagmanifest-sha256.txt`);
    await truncate(`${bag}/manifest-sha256.txt`, 2 ** 43);
    expect(await problemsOf(bag)).toEqual([invalid('manifest-sha256.txt, line 3: the line is longer than')]);
  });

  test('so does one that a tag manifest lists, by the limit of size', async () => {
    const bag = await handMadeBag();
    await truncate(`${bag}/manifest-sha256.txt`, 2 ** 43);
    expect(await problemsOf(bag)).toEqual(['DIMGX_LIMIT_SIZE the bag is larger than 1 TiB']);
  });

  test('files of more than the limit together are not hashed', async () => {
    const bag = await handMadeBag({ payload: { a: 'one', b: 'two' } });
    const { length } = await readBag(bag);
    expect(await problemsOf(bag, { limits: { maxSize: length } })).toEqual([]);
    expect(await problemsOf(bag, { limits: { maxSize: length - 1 } })).toEqual([
      expect.stringMatching(/^DIMGX_LIMIT_SIZE /),
    ]);
    await truncate(`${bag}/data/b`, 2 ** 43);
    expect(await problemsOf(bag)).toEqual(['DIMGX_LIMIT_SIZE the bag is larger than 1 TiB']);
  });

  test('a manifest, or a bag, of more entries than the limit is refused', async () => {
    const payload = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`${at}`, 'x']));
    const bag = await handMadeBag({ payload });
    expect(await problemsOf(bag, { limits: { maxEntries: 9 } })).toEqual([]);
    expect(await problemsOf(bag, { limits: { maxEntries: 8 } })).toEqual([
      'DIMGX_LIMIT_ENTRIES manifest-sha256.txt has more than 8 entries',
    ]);
    await mkdir(`${bag}/data/folder`);
    expect(await problemsOf(bag, { limits: { maxEntries: 9 } })).toEqual([
      'DIMGX_LIMIT_ENTRIES the bag has more than 9 entries',
    ]);
  });

  test.each(['bagit.txt', 'bag-info.txt'])('a %s of gigabytes is not read', async (name) => {
    const bag = await handMadeBag({ files: { 'bag-info.txt': 'a: b\n' } });
    await rm(`${bag}/tagmanifest-sha256.txt`);
    await truncate(`${bag}/${name}`, 2 ** 40);
    expect(await problemsOf(bag)).toEqual([invalid(`has a ${name} of more than 4 MiB`)]);
  });

  /** What is hashed of it: all but its tag manifest. */
  async function readBag(bag: string): Promise<Buffer> {
    return execFileSync('sh', ['-c', 'cat bagit.txt manifest-sha256.txt data/*'], { cwd: bag });
  }
});

describe('what is no regular file is not opened', () => {
  const KINDS: Readonly<Record<string, readonly [kind: string, make: (path: string) => unknown]>> = {
    'a symlink to a file outside': ['a symlink', (path) => symlink('../../outside', path)],
    'a symlink to a file of the bag': ['a symlink', (path) => symlink('b', path)],
    'a symlink to itself': ['a symlink', (path) => symlink('a', path)],
    'a FIFO': ['a FIFO', (path) => execFileSync('mkfifo', [path])],
    'a socket': ['a socket', listenOn],
    ...(process.getuid?.() === 0 && {
      'a device': ['a device', (path) => execFileSync('mknod', [path, 'c', '1', '5'])],
    }),
  };

  test.each(Object.entries(KINDS))('%s in the payload', async (_, [kind, make]) => {
    const bag = await handMadeBag({ payload: { a: 'outside', b: 'outside' } });
    await writeFile(join(dirname(bag), 'outside'), 'outside');
    await rm(`${bag}/data/a`);
    await make(`${bag}/data/a`);
    expect(await problemsOf(bag)).toEqual([`irregular data/a is ${kind}, not a file`]);
    await rename(`${bag}/data/a`, `${bag}/data/c`);
    expect(await problemsOf(bag)).toEqual([
      `irregular data/c is ${kind}, not a file`,
      'missing data/a is missing: manifest-sha256.txt lists it',
    ]);
  });

  test.each(Object.entries(KINDS))('%s among the tag files', async (_, [kind, make]) => {
    const bag = await handMadeBag({ files: { 'notes.txt': 'outside' } });
    await rm(`${bag}/notes.txt`);
    await make(`${bag}/notes.txt`);
    expect(await problemsOf(bag)).toEqual([`irregular notes.txt is ${kind}, not a file`]);
  });

  test.each(['bagit.txt', 'bag-info.txt', 'manifest-sha256.txt', 'tagmanifest-sha256.txt'])(
    'a symlink, a FIFO or a folder instead of %s',
    async (name) => {
      for (const make of [
        (path: string) => symlink(`../${name}`, path),
        (path: string) => execFileSync('mkfifo', [path]),
        (path: string) => mkdir(path),
      ]) {
        const bag = await handMadeBag({ files: { 'bag-info.txt': 'a: b\n' } });
        await rename(`${bag}/${name}`, join(dirname(bag), name));
        await make(`${bag}/${name}`);
        expect((await problemsOf(bag)).at(-1)).toEqual(invalid(`has a "${name}" that is not a regular file`));
      }
    },
  );

  test('a symlink instead of a folder is not entered', async () => {
    const bag = await handMadeBag({ payload: { 'd/a': 'one', b: 'two' } });
    await rename(`${bag}/data/d`, join(dirname(bag), 'd'));
    await symlink('../../d', `${bag}/data/d`);
    expect(await problemsOf(bag)).toEqual([
      'irregular data/d is a symlink, not a file',
      'missing data/d/a is missing: manifest-sha256.txt lists it',
    ]);
  });

  test('a symlink instead of the payload is refused', async () => {
    const bag = await handMadeBag();
    await rename(`${bag}/data`, join(dirname(bag), 'data'));
    await symlink('../data', `${bag}/data`);
    expect(await problemsOf(bag)).toEqual([invalid('has no folder data$')]);
  });

  test('a folder instead of a file makes the file missing', async () => {
    const bag = await handMadeBag();
    await rm(`${bag}/data/a`);
    await mkdir(`${bag}/data/a`);
    expect(await problemsOf(bag)).toEqual(['missing data/a is missing: manifest-sha256.txt lists it']);
  });

  async function listenOn(path: string): Promise<void> {
    const server = createServer();
    // The whole path may be too long for a socket.
    const short = join(await temporaryFolder(), 's');
    await new Promise<void>((resolve) => server.listen(short, resolve));
    await rename(short, path);
    onTestFinished(() => void server.close());
  }
});

describe('a bag is refused', () => {
  const files = (more: Readonly<Record<string, string>>) => handMadeBag({ files: more });

  test.each<[string, () => Promise<string>, string]>([
    ['that has a fetch.txt', () => files({ 'fetch.txt': '' }), 'has a fetch.txt: fetch its files with another tool$'],
    ['of an unknown algorithm', () => files({ 'manifest-sha3.txt': '' }), '"manifest-sha3.txt" is of an algorithm'],
    ['of a property of all objects', () => files({ 'manifest-constructor.txt': '' }), 'is of an algorithm'],
    ['of no algorithm', () => files({ 'tagmanifest-.txt': '' }), '"tagmanifest-.txt" is of an algorithm'],
    ['without a payload manifest', () => handMadeBag({ algorithms: [] }), 'has no manifest of its payload$'],
    [
      'with a manifest in capitals',
      () => files({ 'manifest-SHA256.txt': '' }),
      'which stands for "manifest-sha256.txt"',
    ],
    ['with a declaration in capitals', () => files({ 'BagIt.txt': '' }), '"BagIt.txt", which stands for "bagit.txt"'],
    ['with a fetch.txt in capitals', () => files({ 'FETCH.TXT': '' }), '"FETCH.TXT", which stands for "fetch.txt"'],
    ['with another payload in capitals', () => files({ 'DATA/x': '' }), '"DATA", which stands for "data"'],
    ['without a payload', () => folderOf({ 'bagit.txt': '', 'manifest-sha256.txt': '' }), 'has no folder data$'],
    ['whose payload is a file', () => folderOf({ 'bagit.txt': '', data: '' }), 'has no folder data$'],
    ['without a declaration', () => folderOf({ 'data/a': '' }), 'has no bagit.txt: it is not a bag$'],
    [
      'whose bag-info.txt has no label',
      () => files({ 'bag-info.txt': 'a: b\nno label\n' }),
      'bag-info.txt, line 2: "no label"',
    ],
  ])('%s', async (_, make, why) => {
    expect(await problemsOf(await make())).toEqual([invalid(why)]);
  });

  test.each([
    ['empty', ''],
    ['one line', 'BagIt-Version: 1.0\n'],
    ['lines in the other order', 'Tag-File-Character-Encoding: UTF-8\nBagIt-Version: 1.0\n'],
    ['a line too many', 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n\n'],
    ['a byte order mark', '\ufeffBagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n'],
    ['a blank before a colon', 'BagIt-Version : 1.0\nTag-File-Character-Encoding: UTF-8\n'],
    ['two blanks', 'BagIt-Version: 1.0\nTag-File-Character-Encoding:  UTF-8\n'],
    ['a blank at the end', 'BagIt-Version: 1.0 \nTag-File-Character-Encoding: UTF-8\n'],
    ['other letters', 'Bagit-version: 1.0\nTag-File-Character-Encoding: UTF-8\n'],
    ['no version', 'BagIt-Version: one\nTag-File-Character-Encoding: UTF-8\n'],
  ])('whose declaration has %s', async (_, text) => {
    const problems = await problemsOf(await files({ 'bagit.txt': text }));
    expect(problems).toEqual([invalid('bagit.txt does not consist of the two lines that RFC 8493 asks for$')]);
  });

  test.each([
    ['1.1', 'UTF-8', 'declares BagIt 1.1: dimgx reads 1.0 and 0.97$'],
    ['0.96', 'UTF-8', 'declares BagIt 0.96: '],
    ['1.00', 'UTF-8', 'declares BagIt 1.00: '],
    ['1.0', 'UTF-16', 'declares the encoding "UTF-16": dimgx reads UTF-8$'],
    ['0.97', 'ISO-8859-1', 'declares the encoding "ISO-8859-1"'],
  ])('of version %s and encoding %s', async (version, encoding, why) => {
    const text = `BagIt-Version: ${version}\nTag-File-Character-Encoding: ${encoding}\n`;
    expect(await problemsOf(await files({ 'bagit.txt': text }))).toEqual([invalid(`bagit.txt ${why}`)]);
  });

  test.each([
    'BagIt-Version:1.0\nTag-File-Character-Encoding : utf-8',
    'BagIt-Version : 0.97\r\nTag-File-Character-Encoding:  UTF-8\r\n',
  ])('unless its declaration is %j of an older version', async (text) => {
    const problems = await problemsOf(await files({ 'bagit.txt': text.replace('1.0', '0.97') }));
    expect(problems).toEqual([]);
  });

  test('that is a file, a FIFO or not there', async () => {
    const folder = await temporaryFolder();
    await writeFile(`${folder}/file`, '');
    execFileSync('mkfifo', [`${folder}/fifo`]);
    expect(await problemsOf(`${folder}/file`)).toEqual([invalid('is not a directory: it is not a bag$')]);
    expect(await problemsOf(`${folder}/fifo`)).toEqual([invalid('is not a directory: it is not a bag$')]);
    expect(await problemsOf(`${folder}/none`)).toEqual([`DIMGX_SOURCE_NOT_FOUND "${folder}/none" does not exist`]);
  });
});

describe('folders', () => {
  /** Makes nested folders, whose path may be longer than the system takes at once. */
  function nest(folder: string, depth: number, name: string): void {
    const script = `i=0; while [ $i -lt ${depth} ]; do mkdir ${name} && cd -P ${name} || exit 1; i=$((i+1)); done; : > deep`;
    execFileSync('sh', ['-c', script], { cwd: folder });
  }

  test('a thousand deep are walked', async () => {
    const bag = await handMadeBag();
    nest(`${bag}/data`, 1000, 'd');
    expect(await problemsOf(bag)).toEqual([`extra data/${'d/'.repeat(1000)}deep is in no manifest`]);
  });

  test('deeper than a path can name are refused', async () => {
    const bag = await handMadeBag();
    nest(`${bag}/data`, 30, 'd'.repeat(200));
    expect(await problemsOf(bag)).toEqual([invalid('a path in the bag is longer than 4095 bytes$')]);
    execFileSync('rm', ['-r', bag]);
  });

  test('with many files are told in order', async () => {
    const payload = Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`${at % 7}/${at}`, '']));
    const bag = await handMadeBag({ payload });
    expect(await problemsOf(bag)).toEqual([]);
    mkdirSync(`${bag}/data/x`);
    for (let at = 0; at < 1000; at++) writeFileSync(`${bag}/data/x/${at}`, '');
    const extra = Array.from({ length: 1000 }, (_, at) => `extra data/x/${at} is in no manifest`);
    expect(await problemsOf(bag)).toEqual(extra.sort());
  });
});

describe('a file that is written to while it is read is told', () => {
  const LARGE = 2 ** 22;

  test.each<[string, (path: string) => void]>([
    ['longer', (path) => appendFileSync(path, 'x')],
    ['shorter', (path) => truncateSync(path, LARGE / 2)],
    ['empty', (path) => truncateSync(path)],
    ['the same again', (path) => writeFileSync(path, '\0', { flag: 'r+' })],
  ])('%s', async (_, change) => {
    const bag = await handMadeBag({ payload: { a: '\0'.repeat(LARGE) } });
    let changes = 0;
    const onProgress = () => {
      if (changes++ === 0) change(`${bag}/data/a`);
    };
    expect(await problemsOf(bag, { onProgress })).toEqual(['changed data/a was written to while it was read']);
  });
});
