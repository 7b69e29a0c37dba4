import { writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { Warning } from '#dimgx/errors.js';
import { withDestinations } from '#dimgx/output/destinations.js';
import { temporaryFolder } from '../helpers/members.js';

const ignore = { warn: () => undefined, onLost: () => undefined };

test('each output has its destination under its own key, with its own options', async () => {
  const folder = await temporaryFolder();
  await writeFile(`${folder}/old.mtree`, '');
  const outputs = {
    tar: { label: '--target', target: `${folder}/a.tar`, options: { compression: 'xz', level: 1 } },
    hidden: { label: '--hidden-to', target: `${folder}/b.tar.gz`, options: {} },
    mtree: { label: '--mtree', target: `${folder}/old.mtree`, options: { force: true } },
    sums: undefined,
  } as const;
  await withDestinations(outputs, ignore, async ({ tar, hidden, mtree, sums }) => {
    expect(tar).toMatchObject({ kind: 'file', path: `${folder}/a.tar`, encoder: { compression: 'xz', level: 1 } });
    expect(hidden).toMatchObject({
      kind: 'file',
      path: `${folder}/b.tar.gz`,
      encoder: { compression: 'gzip', level: 6 },
    });
    expect(mtree).toMatchObject({ kind: 'file', overwrite: true, encoder: undefined });
    expect(sums).toBe(undefined);
  });
});

test('the first one that cannot be written is the error, and no stream is watched any more', async () => {
  const folder = await temporaryFolder();
  await writeFile(`${folder}/there`, '');
  const stream = new PassThrough();
  const before = stream.eventNames();
  const outputs = {
    a: { label: 'a', target: stream, options: {} },
    b: { label: 'b', target: `${folder}/there`, options: {} },
    c: { label: 'c', target: `${folder}/missing/c`, options: {} },
  };
  const failure = withDestinations(outputs, ignore, async () => 'fine');
  await expect(failure).rejects.toMatchObject({ code: 'DIMGX_TARGET_EXISTS' });
  expect(stream.eventNames()).toEqual(before);
});

test('a stream that closes during the work is told, and one that closes after it is not', async () => {
  const [early, late] = [new PassThrough(), new PassThrough()];
  const lost: string[] = [];
  const outputs = {
    a: { label: 'a', target: early, options: {} },
    b: { label: 'b', target: late, options: {} },
  };
  await withDestinations(outputs, { ...ignore, onLost: ({ code }) => lost.push(code) }, async () => {
    early.destroy();
    await new Promise((resolve) => early.once('close', resolve));
  });
  late.destroy();
  await new Promise((resolve) => late.once('close', resolve));
  expect(lost).toEqual(['DIMGX_TARGET_CLOSED']);
});

test('the warnings come in the order of the outputs', async () => {
  const warnings: Warning[] = [];
  const outputs = {
    a: { label: 'a', target: 'a.tar.gz', options: { compression: 'none' } },
    b: { label: 'b', target: 'b.tar', options: { compression: 'xz' } },
  } as const;
  await withDestinations(outputs, { ...ignore, warn: (one) => warnings.push(one) }, async () => undefined);
  expect(warnings.map(({ message }) => message)).toEqual([
    '"a.tar.gz" suggests gzip compression, not none',
    '"b.tar" suggests no compression, not xz',
  ]);
});
