import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { layerOf, sha256 } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { writeArchive } from '../helpers/members.js';
import { callDimgx } from '../helpers/shared-dimgx.js';
import { reseal, snapshotBag, tamper } from '../helpers/snapshot-bag.js';

const LAYERS = [[{ name: 'a', content: 'one' }], [{ name: '.wh.a' }]] as const;

test('a sound snapshot has a line for each file, and one for each that agrees with the rest', async () => {
  const bag = await snapshotBag(LAYERS);
  const { stdout, stderr, code } = await callDimgx('verify', bag);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  const lines = stdout.split('\n').slice(0, -1);
  expect(lines.filter((line) => !/^ok {2}\S+( agrees with the rest)?$/.test(line))).toEqual([]);
  expect(lines).toContain('ok  data/rootfs.mtree');
  expect(lines).toContain('ok  data/rootfs.mtree agrees with the rest');
  expect(await callDimgx('verify', '-q', bag)).toMatchObject({ stdout: '', stderr: '', code: 0 });
});

test('what is wrong is a line each, and an error at the end', async () => {
  const bag = await snapshotBag(LAYERS);
  await tamper(bag, 'data/sha256sums', () => `${'0'.repeat(64)}  ./a\n`);
  await writeFile(join(bag, 'data/more\x1b[31m'), '');
  const { stdout, stderr, code } = await callDimgx('verify', '--quiet', bag);
  expect(stdout.split('\n').slice(0, -1)).toEqual([
    'BAD data/more\\x1b[31m: is in no manifest',
    expect.stringMatching(/^BAD bag-info.txt: says that the Payload-Oxum is /),
    'BAD data/sha256sums: line 1 is too many: data/rootfs.tar has nothing for it',
  ]);
  expect(stderr).toBe(`dimgx: DIMGX_BAG_DAMAGED: the bag "${bag}" has 3 problems: get another copy of it\n`);
  expect(code).toBe(2);
  await reseal(bag);
  expect((await callDimgx('verify', '-q', bag)).stdout).toMatch(/^BAD data\/sha256sums: [^\n]*\n$/);
});

test('JSON has an object a line, also of what is wrong', async () => {
  const layer = await layerOf({ a: 'one' });
  const members = dockerArchive([{ layers: [layer] }]);
  const [name = ''] = Object.keys(members).filter((path) => path.endsWith('layer.tar'));
  const archive = await writeArchive({ ...members, [name]: await layerOf({ a: 'two' }) });
  const { stdout, stderr, code } = await callDimgx('verify', '--json', archive);
  const value = `sha256:${sha256(layer)}`;
  const problem = expect.stringMatching(/^has the diff ID sha256:[0-9a-f]{64}, not sha256:[0-9a-f]{64}$/);
  expect(stdout.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)))).toEqual([
    { subject: 'config', claim: 'digest', value: expect.stringMatching(/^sha256:/), ok: true },
    { subject: 'layer @1', claim: 'diffId', value, ok: false, problem },
  ]);
  expect(stderr).toMatch(/^dimgx: DIMGX_IMAGE_DAMAGED: the image ".*" has 1 problem: get another copy of it\n$/);
  expect(code).toBe(2);
});
