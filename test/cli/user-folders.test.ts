import { chmod, chown, copyFile, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publicCopy } from '../helpers/public-copy.js';
import { type Ended, runDimgxIn } from '../helpers/run-dimgx.js';

const IMAGE = 'fixtures/busybox-docker.tar';
const isRoot = process.getuid?.() === 0;
const PATH = process.env.PATH;

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'dimgx-home-'));
});

afterEach(() => rm(home, { recursive: true, force: true }));

function expectDone({ stdout, stderr, code }: Ended): void {
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  expect(stdout).toMatch(/^[0-9a-f]{12}\n/);
}

describe('the command line in an odd home', () => {
  it('works where no folder can be made in the home', async () => {
    expectDone(await runDimgxIn({ env: { PATH, HOME: '/proc' } }, '-q', IMAGE));
    const cache = await runDimgxIn({ env: { PATH, HOME: '/proc' } }, 'cache', 'ls');
    expect(cache).toMatchObject({ stderr: '', code: 0 });
  });

  it('makes no folder where a relative cache folder, or a relative home, would be', async () => {
    const image = join(home, 'image.tar');
    await copyFile(IMAGE, image);
    for (const env of [
      { HOME: home, XDG_CACHE_HOME: 'caches' },
      { HOME: 'here', XDG_CACHE_HOME: home },
    ]) {
      expectDone(await runDimgxIn({ env: { PATH, ...env }, cwd: home }, '-q', image));
    }
    expect(await readdir(home)).not.toContain('caches');
    expect(await readdir(home)).not.toContain('here');
  });

  it('works in a working directory that was deleted', async () => {
    const gone = join(home, 'gone');
    const under = ['sh', '-c', 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"', gone];
    const inGone = (...args: string[]) =>
      runDimgxIn({ env: { PATH, HOME: home, DIMGX_CACHE: 'cache' }, under }, ...args);
    expectDone(await inGone('-q', join(process.cwd(), IMAGE)));
    expect(await inGone('--help')).toMatchObject({ stderr: '', code: 0 });
    expect((await inGone('-t', 'out.tar', join(process.cwd(), IMAGE))).stderr).toMatch(/^dimgx: DIMGX_TARGET_/);
    const pulled = await inGone('pull', '127.0.0.1:1/app');
    expect(pulled.stderr).toContain('DIMGX_REGISTRY_UNREACHABLE');
    expect(pulled.stderr).not.toContain('DIMGX_INTERNAL');
  });

  it.runIf(isRoot)('leaves nothing of root in the home of another user', async () => {
    await chown(home, 12_345, 12_345);
    expectDone(await runDimgxIn({ env: { PATH, HOME: home } }, '-q', IMAGE));
    expect(await readdir(home)).toEqual([]);
  });

  it.runIf(isRoot)('stores a login of root in the home of another user as that of the user', async () => {
    await chown(home, 12_345, 54_321);
    await mkdir(join(home, 'new'));
    await chown(join(home, 'new'), 12_345, 54_321);
    const { editAuthFile } = await import('#dimgx/registry/credentials/auth-file.js');
    await editAuthFile(join(home, 'new/.docker/config.json'), () => ({ auths: {} }));
    for (const name of ['new/.docker', 'new/.docker/config.json']) {
      expect(await stat(join(home, name))).toMatchObject({ uid: 12_345, gid: 54_321 });
    }
  });

  it.runIf(isRoot)('works for a user without account and without HOME', async () => {
    await chmod(home, 0o755);
    const image = join(home, 'image.tar');
    await copyFile(IMAGE, image);
    expectDone(await runDimgxIn({ env: { PATH }, user: 12_345, cwd: '/', copy: await publicCopy() }, '-q', image));
  });
});
