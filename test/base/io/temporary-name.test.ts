import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { TemporaryName } from '#dimgx/base/io/temporary-name.js';
import { temporaryFolder } from '../../helpers/members.js';

async function nameIn(folder: string) {
  const name = await TemporaryName.in(folder);
  onTestFinished(() => name.close());
  return name;
}

describe('what has a temporary name is removed', () => {
  test('if it is a file', async () => {
    const folder = await temporaryFolder();
    const name = await nameIn(folder);
    await writeFile(name.path, 'part');
    name.remove();
    expect(await readdir(folder)).toEqual([]);
  });

  test('if it is a folder, with all that is in it, but not what a symlink in it names', async () => {
    const [folder, other] = [await temporaryFolder(), await temporaryFolder()];
    const name = await nameIn(folder);
    await writeFile(`${other}/kept`, 'kept');
    await mkdir(`${name.path}/a/b`, { recursive: true });
    await writeFile(`${name.path}/a/b/c`, 'part');
    await symlink(other, `${name.path}/a/link`);
    name.remove();
    expect(await readdir(folder)).toEqual([]);
    expect(await readdir(other)).toEqual(['kept']);
  });

  test('if the folder around it has been moved', async () => {
    const folder = await temporaryFolder();
    await mkdir(`${folder}/old`);
    const name = await nameIn(`${folder}/old`);
    await mkdir(name.path);
    await writeFile(`${name.path}/file`, 'part');
    await rename(`${folder}/old`, `${folder}/new`);
    name.remove();
    expect(await readdir(`${folder}/new`)).toEqual([]);
  });

  test('if nothing has it', async () => {
    const name = await nameIn(await temporaryFolder());
    expect(() => name.remove()).not.toThrow();
  });
});

test('a file that is being replaced gets another name in the same folder', async () => {
  const folder = await temporaryFolder();
  const name = await nameIn(folder);
  await writeFile(name.path, 'new');
  const old = name.forOld();
  await writeFile(old.path, 'old');
  expect((await readdir(folder)).map((one) => one.split('.').at(-1)).sort()).toEqual(['old', 'part']);
  old.remove();
  expect(await readFile(name.path, 'utf8')).toBe('new');
  expect((await readdir(folder)).length).toBe(1);
});
