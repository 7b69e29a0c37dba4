import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { RebuiltReading, type RebuiltRegion } from '#dimgx/base/io/rebuilt-region.js';
import { PieceTable } from '#dimgx/source/disk/rebuild/piece-table.js';
import { temporaryFolder } from '../../helpers/members.js';

const CONTENTS = 'what the layer has';

/** A region that is nothing but one file, and a function that reads it anew. */
async function regionOfOneFile() {
  const folder = await temporaryFolder();
  mkdirSync(`${folder}/diff`);
  const path = `${folder}/diff/file`;
  writeFileSync(path, CONTENTS);
  const root = openSync(folder, 'r');
  onTestFinished(() => closeSync(root));
  const table = new PieceTable();
  const file = table.addFile(Buffer.from('file'), CONTENTS.length, Buffer.alloc(8));
  table.addPiece({ start: 0, file, from: 0, length: CONTENTS.length });
  const rebuilding = { pieces: table.finish(), root, folder: 'diff', links: 'inside' as const };
  const region: RebuiltRegion<number> = { file: root, offset: 0, length: CONTENTS.length, rebuilding };
  const read = () => {
    const reading = new RebuiltReading(region, 'all');
    const into = Buffer.alloc(CONTENTS.length);
    try {
      reading.read(into, 0);
    } finally {
      reading.close();
    }
    return into.toString();
  };
  return { path, read };
}

const replaced = (make: (path: string) => void) => (path: string) => {
  rmSync(path);
  make(path);
};

test.each<[string, (path: string) => void, string]>([
  ['a file of the same size', replaced((path) => writeFileSync(path, CONTENTS)), 'was written while it was read'],
  ['a shorter file', replaced((path) => writeFileSync(path, 'short')), 'is shorter (5 bytes instead of 18)'],
  ['a longer file', replaced((path) => writeFileSync(path, `${CONTENTS}+`)), 'is longer (19 bytes instead of 18)'],
  ['a folder', replaced((path) => mkdirSync(path)), 'is not a regular file any more'],
  ['a FIFO', replaced((path) => execFileSync('mkfifo', [path])), 'is not a regular file any more'],
  [
    'a symlink',
    (path) => {
      renameSync(path, `${path}2`);
      symlinkSync('file2', path);
    },
    'is not a regular file any more',
  ],
  ['nothing', (path) => rmSync(path), 'is missing'],
])('the second reader of a file finds %s in its place', async (_, change, message) => {
  const { path, read } = await regionOfOneFile();
  expect(read()).toBe(CONTENTS);
  expect(read()).toBe(CONTENTS);
  change(path);
  expect(read).toThrow(
    expect.objectContaining({ code: 'DIMGX_STORE_FILE_CHANGED', message: expect.stringContaining(message) }),
  );
});
