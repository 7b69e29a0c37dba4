import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findDestination } from '#dimgx/output/destination.js';
import { OutputGroup } from '#dimgx/output/output-group.js';
import type { RecordFile } from '#dimgx/output/record-file.js';
import { temporaryFolder } from '../helpers/members.js';
import { cannotMount, smallDisk } from '../helpers/mounts.js';

const BUFFER = 256 * 1024;

/** A record that goes to the target. What is not published is discarded when the test is over. */
async function recordInto(target: string | Writable): Promise<{ record: RecordFile; group: OutputGroup }> {
  const destination = await findDestination(target, {}, () => undefined);
  const group = new OutputGroup();
  onTestFinished(() => group.discard(undefined));
  await group.open([destination]);
  return { record: group.recordInto(destination), group };
}

const text = (length: number) => randomBytes(length).toString('latin1');

/** Lengths of texts that are appended one after the other. */
const LENGTHS: readonly (readonly [string, readonly number[]])[] = [
  ['nothing', []],
  ['an empty text', [0]],
  ['a few characters', [3, 0, 5]],
  ['a buffer in one text', [BUFFER]],
  ['a buffer and one character', [BUFFER, 1]],
  ['one character more than a buffer', [BUFFER + 1]],
  ['ten buffers in one text', [10 * BUFFER + 7]],
  ['many texts', Array.from({ length: 40_000 }, (_, i) => i % 97)],
  ['texts of about a buffer', Array.from({ length: 20 }, (_, i) => BUFFER - 10 + i)],
];

describe.each(LENGTHS)('%s', (_, lengths) => {
  const texts = lengths.map(text);
  const whole = texts.join('');

  test('is in the file, byte for byte', async () => {
    const path = `${await temporaryFolder()}/record`;
    const { record, group } = await recordInto(path);
    for (const one of texts) await record.append(one);
    expect(record.bytes).toBe(whole.length);
    await group.publish();
    expect((await readFile(path, 'latin1')) === whole).toBe(true);
  });

  test('reaches a stream that keeps the pieces', async () => {
    const pieces: Buffer[] = [];
    const stream = new Writable({
      highWaterMark: 2 ** 30,
      write(piece, _encoding, done) {
        pieces.push(piece);
        setImmediate(done);
      },
    });
    const { record, group } = await recordInto(stream);
    for (const one of texts) await record.append(one);
    await group.publish();
    expect(Buffer.concat(pieces).toString('latin1') === whole).toBe(true);
  });
});

test('one buffer is filled while the other one is written, and then the writer has to wait', async () => {
  let take = () => {};
  const stream = new Writable({
    highWaterMark: 1,
    write(_piece, _encoding, done) {
      take = done;
    },
  });
  const { record, group } = await recordInto(stream);
  expect(record.append(text(BUFFER))).toBe(undefined);
  expect(record.append('x')).toBe(undefined);
  expect(record.append(text(BUFFER - 1))).toBe(undefined);
  let hasRoom = false;
  const waiting = record.append('y')?.then(() => {
    hasRoom = true;
  });
  await new Promise(setImmediate);
  expect(hasRoom).toBe(false);
  take();
  await waiting;
  expect(record.bytes).toBe(2 * BUFFER + 1);
  await group.discard(undefined);
});

describe.skipIf(cannotMount())('a disk that fills (needs mount)', () => {
  test('is an error of the next text that needs room, and of all after it', async () => {
    const disk = await smallDisk(BUFFER);
    const { record } = await recordInto(`${disk}/record`);
    const failure = {
      code: 'DIMGX_TARGET_NO_SPACE',
      message: `there is no space left to write "${disk}/record": free some, or choose another place`,
    };
    const append = async () => {
      for (let i = 0; i < 10; i++) await record.append(text(BUFFER / 2));
    };
    await expect(append()).rejects.toMatchObject(failure);
    await expect(append()).rejects.toMatchObject(failure);
    await expect(record.end()).rejects.toMatchObject(failure);
  });

  test('is an error of the end if the rest does not fit', async () => {
    const disk = await smallDisk(4096);
    const { record } = await recordInto(`${disk}/record`);
    expect(record.append(text(4097))).toBe(undefined);
    await expect(record.end()).rejects.toMatchObject({ code: 'DIMGX_TARGET_NO_SPACE' });
  });
});

test('a reader that goes away is an error that says so', async () => {
  const path = `${await temporaryFolder()}/fifo`;
  execFileSync('mkfifo', [path]);
  const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const { record } = await recordInto(path);
  await reader.close();
  await record.append(text(BUFFER));
  await expect(record.end()).rejects.toMatchObject({ code: 'DIMGX_TARGET_CLOSED' });
});
