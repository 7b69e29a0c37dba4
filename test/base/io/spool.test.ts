import { closeSync, fstatSync, openSync, readdirSync, watch } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openSpool, writeAt } from '#dimgx/base/io/spool.js';
import { temporaryFolder } from '../../helpers/members.js';

describe('a spool', () => {
  test('has no name, is for its owner only, and keeps what is written', async () => {
    const folder = await temporaryFolder();
    const spool = await openSpool(folder, 1000);
    expect(readdirSync(folder)).toEqual([]);
    expect(fstatSync(spool.fd)).toMatchObject({ nlink: 0 });
    expect(fstatSync(spool.fd).mode & 0o777).toBe(0o600);
    await spool.write(Buffer.from('abc'), 0, 3, 5);
    expect((await spool.read(Buffer.alloc(8), 0, 8, 0)).buffer.toString()).toBe('\0\0\0\0\0abc');
    await spool.close();
  });

  test.skipIf(process.platform !== 'linux')('never has a name, not even for a moment (Linux)', async () => {
    const folder = await temporaryFolder();
    const names: string[] = [];
    const watcher = watch(folder, (_, name) => names.push(`${name}`));
    const spool = await openSpool(folder);
    await spool.close();
    await writeFile(`${folder}/last`, '');
    await expect.poll(() => names).toContain('last');
    watcher.close();
    expect(new Set(names)).toEqual(new Set(['last']));
  });

  test('is not begun where the room for it is not free', async () => {
    const folder = await temporaryFolder();
    await expect(openSpool(folder, 2 ** 60)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NO_SPACE',
      message: expect.stringContaining(folder),
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is refused where the folder is missing', async () => {
    const folder = await temporaryFolder();
    await rm(folder, { recursive: true });
    await expect(openSpool(folder)).rejects.toMatchObject({ code: 'DIMGX_SOURCE_NO_SPACE' });
  });

  test.each([
    ['/nonexistent/temporary', 'no such directory'],
    ['/dev/null', 'it is not a directory'],
    ['/proc', 'no file can be created there'],
  ])('names TMPDIR when it is %s', async (folder, reason) => {
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    const message = `temporary data cannot be written to ${folder} (from TMPDIR): ${reason}`;
    await expect(openSpool()).rejects.toMatchObject({ code: 'DIMGX_SOURCE_NO_SPACE', message });
  });

  test('that fills the disk says so', async () => {
    const full = openSync('/dev/full', 'w');
    const written = Promise.resolve(writeAt(full, Buffer.alloc(1000), 0));
    const where = process.platform === 'linux' ? ' to /dev' : '';
    await expect(written).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NO_SPACE',
      message: `temporary data cannot be written${where} (ENOSPC: no space left on device)`,
      cause: { code: 'ENOSPC' },
    });
    closeSync(full);
  });
});
