import { readdirSync, statSync } from 'node:fs';
import { appendFile, chmod, mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Bag } from '#dimgx/evidence/bag/bag.js';
import { BagCheck } from '#dimgx/evidence/bag/bag-check.js';
import { checked, problemsOf } from '../../helpers/checked-bag.js';
import { FACTS, filesOf, flipBit, handMadeBag, hexOf, SNAPSHOT, sampleBag } from '../../helpers/sample-bag.js';
import { someInTurn } from '../../helpers/short-or-long.js';

const BITS = [0, 1, 2, 3, 4, 5, 6, 7];

describe('a bag as dimgx makes it', () => {
  test('has no problem, and each file is told: tag files first, each folder before those in it', async () => {
    const bag = await sampleBag();
    const { lines } = await checked(bag);
    expect(lines).toEqual([
      '- bag-info.txt is as tagmanifest-sha256.txt says',
      '- bagit.txt is as tagmanifest-sha256.txt says',
      '- manifest-sha256.txt is as tagmanifest-sha256.txt says',
      '- snapshot.json is as tagmanifest-sha256.txt says',
      '- tagmanifest-sha256.txt is in no tag manifest',
      ...[
        'hidden.tar',
        'provenance.jsonl',
        'rootfs.body',
        'rootfs.mtree',
        'rootfs.tar',
        'sha256sums',
        'image/config.json',
        'image/manifest.json',
      ].map((path) => `- data/${path} is as manifest-sha256.txt says`),
    ]);
    expect(lines).toHaveLength((await filesOf(bag)).length);
  });

  test('tells what it says and lists', async () => {
    const { check } = await checked(await sampleBag({ notes: 'one\ntwo' }));
    expect(check?.info).toContainEqual({ label: 'Notes', value: 'one\\ntwo' });
    expect(check?.info).toContainEqual({ label: 'External-Identifier', value: FACTS.identifiers[0] });
    const [manifest] = check?.payload ?? [];
    expect(manifest).toMatchObject({ name: 'manifest-sha256.txt', algorithm: 'sha256' });
    expect(manifest?.files.length).toBe(Object.keys(SNAPSHOT).length);
    const row = manifest?.files.find('data/rootfs.tar') ?? -1;
    expect(manifest?.files.digest(row).toString('hex')).toBe(hexOf(SNAPSHOT['rootfs.tar']));
    expect(manifest?.files.find('data/none')).toBe(-1);
  });

  test('tells how far it is', async () => {
    const told: unknown[] = [];
    const bag = await sampleBag();
    await checked(bag, { onProgress: (progress) => told.push(progress) });
    const total = Object.values(SNAPSHOT).reduce((sum, text) => sum + text.length, 0);
    expect(told.at(-1)).toEqual({ stage: 'verify', item: bag, done: total, total });
  });

  test('may have a seal beside its tag manifest', async () => {
    const bag = await sampleBag();
    await writeFile(`${bag}/tagmanifest-sha256.txt.sig`, 'sealed');
    const { lines } = await checked(bag);
    expect(lines).toContain('- tagmanifest-sha256.txt.sig is in no tag manifest');
    expect(lines.filter((line) => !line.startsWith('- '))).toEqual([]);
  });
});

describe('a flipped bit is found, and its file is named', () => {
  const paths = ['bag-info.txt', 'bagit.txt', 'manifest-sha256.txt', 'snapshot.json', 'tagmanifest-sha256.txt'];
  const payload = Object.entries(SNAPSHOT).flatMap(([path, contents]) => (contents === '' ? [] : `data/${path}`));

  test.each([...paths, ...payload])('anywhere in %s', async (path) => {
    const bag = await sampleBag();
    const { size } = statSync(`${bag}/${path}`);
    const unnoticed: number[] = [];
    for (let byte = 0; byte < size; byte++) {
      for (const bit of someInTurn(BITS, byte)) {
        await flipBit(`${bag}/${path}`, 8 * byte + bit);
        const problems = await problemsOf(bag);
        if (!problems.some((problem) => problem.includes(path))) unnoticed.push(8 * byte + bit);
        await flipBit(`${bag}/${path}`, 8 * byte + bit);
      }
    }
    expect(unnoticed).toEqual([]);
    expect(await problemsOf(bag)).toEqual([]);
  });
});

describe('what is wrong with a file is told of each', () => {
  test('changed, cut off, longer, missing, too many', async () => {
    const bag = await sampleBag();
    await writeFile(`${bag}/data/rootfs.tar`, 'another of the tre');
    await truncate(`${bag}/data/image/config.json`, 1);
    await appendFile(`${bag}/data/rootfs.body`, 'more');
    await rm(`${bag}/data/hidden.tar`);
    await mkdir(`${bag}/data/new/deep`, { recursive: true });
    await writeFile(`${bag}/data/new/deep/file`, '');
    await writeFile(`${bag}/snapshot.json`, '{"a":2}\n');
    expect(await problemsOf(bag)).toEqual([
      'changed snapshot.json has another sha256 than tagmanifest-sha256.txt says',
      'changed data/rootfs.body has another sha256 than manifest-sha256.txt says',
      'changed data/rootfs.tar has another sha256 than manifest-sha256.txt says',
      'changed data/image/config.json has another sha256 than manifest-sha256.txt says',
      'extra data/new/deep/file is in no manifest',
      'missing data/hidden.tar is missing: manifest-sha256.txt lists it',
      expect.stringMatching(/^contradicted bag-info.txt says that the Payload-Oxum is \d+\.8, but it is \d+\.8$/),
    ]);
  });

  test.each(['bag-info.txt', 'snapshot.json'])('%s is missing', async (name) => {
    const bag = await sampleBag();
    await rm(`${bag}/${name}`);
    expect(await problemsOf(bag)).toEqual([`missing ${name} is missing: tagmanifest-sha256.txt lists it`]);
  });

  test('a file that was renamed to another case', async () => {
    const bag = await sampleBag();
    await rename(`${bag}/data/rootfs.tar`, `${bag}/data/ROOTFS.tar`);
    expect(await problemsOf(bag)).toEqual([
      'extra data/ROOTFS.tar is in no manifest',
      'missing data/rootfs.tar is missing: manifest-sha256.txt lists it',
    ]);
  });

  test('a wrong sum of the payload', async () => {
    const files = { 'bag-info.txt': 'Payload-Oxum: 6.3\npayload-OXUM: 06.02\nPayload-Oxum: six\n' };
    expect(await problemsOf(await handMadeBag({ files }))).toEqual([
      'contradicted bag-info.txt says that the Payload-Oxum is 6.3, but it is 6.2',
      'contradicted bag-info.txt says that the Payload-Oxum is six, but it is 6.2',
    ]);
  });

  test.runIf(process.getuid?.() === 0)('what this user cannot read (needs root)', async () => {
    const bag = await handMadeBag({ payload: { a: 'one', 'd/b': 'two', e: 'three' } });
    await chmod(dirname(bag), 0o755);
    await chmod(`${bag}/data/a`, 0);
    await chmod(`${bag}/data/d`, 0o311);
    process.seteuid?.(65534);
    try {
      expect(await problemsOf(bag)).toEqual([
        'unreadable data/a cannot be read (EACCES: permission denied)',
        'unreadable data/d cannot be read (EACCES: permission denied)',
        'missing data/d/b is missing: manifest-sha256.txt lists it',
      ]);
    } finally {
      process.seteuid?.(0);
    }
  });
});

describe('several manifests', () => {
  const algorithms = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'];

  test('are all compared', async () => {
    const bag = await handMadeBag({ algorithms });
    const { lines } = await checked(bag);
    const all = (kind: string) => algorithms.map((name) => `${kind}-${name}.txt`).join(' and ');
    expect(lines).toContain(`- data/a is as ${all('manifest')} says`);
    expect(lines).toContain(`- bagit.txt is as ${all('tagmanifest')} says`);
    expect(lines.filter((line) => !line.startsWith('- '))).toEqual([]);
  });

  test('that say different things about a file', async () => {
    const bag = await handMadeBag({ algorithms: ['sha256', 'sha512'] });
    await writeFile(
      `${bag}/manifest-sha512.txt`,
      `${hexOf('one', 'sha512')}  data/a\n${hexOf('x', 'sha512')}  data/b\n`,
    );
    expect(await problemsOf(bag)).toEqual([
      'changed manifest-sha512.txt has another sha256 than tagmanifest-sha256.txt says and another sha512 than tagmanifest-sha512.txt says',
      'changed data/b has another sha512 than manifest-sha512.txt says',
    ]);
  });

  const some = (version: string) =>
    handMadeBag({
      version,
      algorithms: ['sha256', 'sha512'],
      files: { 'manifest-sha512.txt': `${hexOf('one', 'sha512')}  data/a\n` },
    });

  test('must all list the whole payload in version 1.0', async () => {
    expect(await problemsOf(await some('1.0'))).toEqual(['unlisted data/b is not in manifest-sha512.txt']);
  });

  test('need not in version 0.97', async () => {
    expect(await problemsOf(await some('0.97'))).toEqual([]);
  });

  test('name a missing file once', async () => {
    const bag = await handMadeBag({ algorithms: ['sha256', 'sha512'] });
    await rm(`${bag}/data/a`);
    expect(await problemsOf(bag)).toEqual(['missing data/a is missing: manifest-sha256.txt lists it']);
  });
});

describe('a payload manifest that no tag manifest lists', () => {
  const bag = (version: string) =>
    handMadeBag({ version, files: { 'tagmanifest-sha256.txt': `${hexOf('x')}  none.txt\n`, 'none.txt': 'x' } });

  test('is a problem in version 1.0', async () => {
    expect(await problemsOf(await bag('1.0'))).toEqual([
      'unlisted manifest-sha256.txt is not in tagmanifest-sha256.txt',
    ]);
  });

  test('is none in version 0.97, and none without tag manifests', async () => {
    expect(await problemsOf(await bag('0.97'))).toEqual([]);
    const open = await handMadeBag();
    await rm(`${open}/tagmanifest-sha256.txt`);
    expect(await problemsOf(open)).toEqual([]);
  });
});

describe('a manifest may be written', () => {
  const [one, two] = [hexOf('one'), hexOf('two')];

  test.each([
    ['with CRLF', `${one}  data/a\r\n${two}  data/b\r\n`],
    ['with CR', `${one}  data/a\r${two}  data/b\r`],
    ['without a line break at its end', `${one}  data/a\n${two}  data/b`],
    ['with empty lines', `\n${one}  data/a\n \n${two}  data/b\n\n`],
    ['with asterisks, as sha256sum -b does', `${one} *data/a\n${two} *data/b\n`],
    ['with one blank, or tabs', `${one} data/a\n${two}\t \tdata/b\n`],
    ['with ./', `${one}  ./data/a\n${two} *./data/b\n`],
    ['with capital digits', `${one.toUpperCase()}  data/a\n${two}  data/b\n`],
    ['in another order', `${two}  data/b\n${one}  data/a\n`],
  ])('%s', async (_, text) => {
    expect(await problemsOf(await handMadeBag({ files: { 'manifest-sha256.txt': text } }))).toEqual([]);
  });

  test('with line breaks and percent signs of paths encoded', async () => {
    const payload = { 'a\nb': '1', 'c\rd': '2', '100%': '3', '%41': '4', 'e\r\nf': '5' };
    const lines = ['a%0Ab', 'c%0dd', '100%25', '%2541', 'e%0d%0af'].map(
      (path, at) => `${hexOf(`${at + 1}`)}  data/${path}\n`,
    );
    const bag = await handMadeBag({ payload, files: { 'manifest-sha256.txt': lines.join('') } });
    expect(await problemsOf(bag)).toEqual([]);
  });

  test('with percent signs as they are in version 0.97', async () => {
    const payload = { '%7Ea': '1', '%25': '2', 'b\n': '3' };
    const lines = ['%7Ea', '%25', 'b%0A'].map((path, at) => `${hexOf(`${at + 1}`)}  data/${path}\n`);
    const bag = await handMadeBag({ version: '0.97', payload, files: { 'manifest-sha256.txt': lines.join('') } });
    expect(await problemsOf(bag)).toEqual([]);
  });

  test('with names that are odd, or not UTF-8', async () => {
    const payload = { ' b ': '1', '*c': '2', 'd\\e': '3', '-': '4', '\u202e': '5', 'x\x7f': '6', '#': '7' };
    const bag = await handMadeBag({ payload });
    const raw = Buffer.concat([Buffer.from(`${bag}/data/`), Buffer.from([0xff, 0xfe])]);
    await writeFile(raw, '8');
    await appendFile(
      `${bag}/manifest-sha256.txt`,
      Buffer.concat([Buffer.from(`${hexOf('8')}  data/`), Buffer.from([0xff, 0xfe, 10])]),
    );
    await rm(`${bag}/tagmanifest-sha256.txt`);
    const { lines } = await checked(bag);
    expect(lines).toContain('- data/\\xff\\xfe is as manifest-sha256.txt says');
    expect(lines.filter((line) => !line.startsWith('- '))).toEqual([]);
    await writeFile(raw, '9');
    expect(await problemsOf(bag)).toEqual(['changed data/\\xff\\xfe has another sha256 than manifest-sha256.txt says']);
  });

  test('with no line, for an empty payload', async () => {
    const bag = await handMadeBag({ payload: {} });
    await mkdir(`${bag}/data/empty`, { recursive: true });
    expect(await problemsOf(bag)).toEqual([]);
  });
});

describe('bag-info.txt may', () => {
  test('begin with a blank', async () => {
    const { check } = await checked(await handMadeBag({ files: { 'bag-info.txt': ' A: b\n' } }));
    expect(check?.info).toEqual([{ label: 'A', value: 'b' }]);
  });

  test('have folded values, repeated labels, odd blanks and line breaks', async () => {
    const text = 'A: one\n  more\r\nA:two\n\nTest-Tag   :   6\n\t.2\nB:\n C\n';
    const { check } = await checked(await handMadeBag({ files: { 'bag-info.txt': text } }));
    expect(check?.info).toEqual([
      { label: 'A', value: 'one more' },
      { label: 'A', value: 'two' },
      { label: 'Test-Tag', value: '6 .2' },
      { label: 'B', value: ' C' },
    ]);
  });
});

describe('weak manifests', () => {
  const warned = async (path: string) => {
    const codes: string[] = [];
    await checked(path, { onWarning: ({ code }) => codes.push(code) });
    return codes;
  };

  test('alone are a warning, and an error of strict input', async () => {
    const bag = await handMadeBag({ algorithms: ['md5', 'sha1'] });
    expect(await warned(bag)).toEqual(['DIMGX_BAG_WEAK']);
    expect(await problemsOf(bag)).toEqual([]);
    expect(await problemsOf(bag, { strictInput: true })).toEqual([expect.stringMatching(/^DIMGX_BAG_WEAK /)]);
  });

  test('beside a strong one are none', async () => {
    expect(await warned(await handMadeBag({ algorithms: ['md5', 'sha512'] }))).toEqual([]);
    expect(await warned(await handMadeBag())).toEqual([]);
  });
});

test('an abort ends the check', async () => {
  const path = await sampleBag();
  const controller = new AbortController();
  const bag = Bag.open(path);
  try {
    const findings = new BagCheck(bag, { signal: controller.signal }).findings();
    await findings.next();
    controller.abort();
    await expect(findings.next()).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
  } finally {
    bag.close();
  }
});

test('a caller may stop early, and no file stays open', async () => {
  const path = await sampleBag();
  const openFiles = () => readdirSync('/proc/self/fd').length;
  const before = openFiles();
  const bag = Bag.open(path);
  for await (const { path: file } of new BagCheck(bag).findings()) if (file.startsWith('data/')) break;
  bag.close();
  expect(openFiles()).toBe(before);
});

test('a symlink to a bag is one', async () => {
  const path = await sampleBag();
  await symlink(path, `${path}-link`);
  expect(await problemsOf(`${path}-link`)).toEqual([]);
});
