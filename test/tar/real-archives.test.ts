import { chmod, chown, link, lstat, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanPath } from '#dimgx/tar/path.js';
import { lacks } from '../helpers/engines.js';
import { type ReadEntry, readTar } from '../helpers/raw-tar.js';
import { runCommand } from '../helpers/run-command.js';

const isRoot = process.getuid?.() === 0;
const MTIME = 1_500_000_000;

/** What a listing shows of an entry, in the words of none of the programs. */
interface Shown {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly link: string;
}

const LETTERS: Readonly<Record<string, string>> = {
  '0': '-',
  '1': 'h',
  '2': 'l',
  '3': 'c',
  '4': 'b',
  '5': 'd',
  '6': 'p',
};

function shown({ name, type, mode, uid, gid, size, mtime, link }: ReadEntry): Shown {
  const letter = LETTERS[String.fromCharCode(type)] ?? '?';
  const path = Buffer.from(cleanPath(Buffer.from(name, 'latin1'), 'refuse')).toString('latin1');
  const target =
    letter === 'h' ? Buffer.from(cleanPath(Buffer.from(link, 'latin1'), 'clamp')).toString('latin1') : link;
  return { path, type: letter, mode: letter === 'l' ? 0o777 : mode, uid, gid, size, mtime, link: target };
}

/** `-rwsr-xr-x` as a number. */
function modeOf(text: string): number {
  const bits = [...text.slice(1, 10)].reduce((sum, letter) => sum * 2 + (/[rwxst]/.test(letter) ? 1 : 0), 0);
  const high = [3, 6, 9].reduce((sum, at) => sum * 2 + (/[sStT]/.test(text[at] ?? '') ? 1 : 0), 0);
  return high * 0o1000 + bits;
}

/** The lines of `tar --numeric-owner --full-time --utc -tv`, of which names are escaped in octal. */
function gnuListing(text: string): readonly Shown[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [, mode = '', uid, gid, size = '', date, time, rest = ''] =
        /^(\S{10}) (\d+)\/(\d+) +(\S+) (\S+) (\S+) (.*)$/.exec(line) ?? [];
      const [name = '', target = ''] = rest.split(/ -> | link to /);
      const unescaped = (shownName: string) =>
        shownName.replace(/\\(\d{3}|n|t|\\)/g, (_, what: string) =>
          /\d/.test(what) ? String.fromCharCode(Number.parseInt(what, 8)) : ({ n: '\n', t: '\t' }[what] ?? '\\'),
        );
      const clean = (path: string) =>
        unescaped(path)
          .replace(/^\.\/?/, '')
          .replace(/\/$/, '');
      return {
        path: clean(name),
        type: mode[0] ?? '',
        mode: modeOf(mode),
        uid: Number(uid),
        gid: Number(gid),
        size: /,/.test(size) ? 0 : Number(size),
        mtime: Date.parse(`${date}T${time}Z`) / 1000,
        link: mode[0] === 'h' ? clean(target) : unescaped(target),
      };
    });
}

const listedByGnu = async (archive: Buffer) => {
  const options = ['--numeric-owner', '--full-time', '--utc', '--quoting-style=escape', '-tvf', '-'];
  return gnuListing(
    (await runCommand('tar', options, { input: archive, env: { LC_ALL: 'C' } })).stdout.toString('latin1'),
  );
};

let folder: string;
const LONG = `${'directory-with-a-long-name/'.repeat(3)}and-then-a-file-name-which-goes-on-for-a-while`;
const VERY_LONG = `${'x'.repeat(200)}/${'y'.repeat(200)}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dimgx-real-'));
  const file = async (name: string, contents: string | Uint8Array, mode = 0o644) => {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), contents);
    await chmod(join(folder, name), mode);
  };
  await file('plain', 'contents');
  await file('empty', '');
  await file('block', Buffer.alloc(512, 1));
  await file('setuid', 'x', 0o4755);
  await file('secret', 'x', isRoot ? 0 : 0o400);
  await file('with space', 'x');
  await file('new\nline', 'x');
  await file('back\\slash', 'x');
  await file('.wh.whiteout', '');
  await file(LONG, 'long');
  await link(join(folder, 'plain'), join(folder, 'plain too'));
  await symlink('plain', join(folder, 'symlink'));
  await symlink('/absolute/../and/up', join(folder, 'symlink out'));
  await runCommand('mkfifo', ['-m', '600', join(folder, 'fifo')]);
  await writeFile(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]), 'latin1 name');
  await mkdir(join(folder, 'sticky'));
  await chmod(join(folder, 'sticky'), 0o1777);
  if (isRoot) {
    await runCommand('mknod', [join(folder, 'null'), 'c', '1', '3']);
    await chown(join(folder, 'plain'), 65_534, 1_000_000);
  }
  await runCommand('find', [folder, '-exec', 'touch', '-h', '-d', `@${MTIME}`, '{}', '+']);
});
afterAll(() => rm(folder, { recursive: true }));

describe('what GNU tar writes is read as GNU tar lists it', () => {
  test.each(['gnu', 'oldgnu', 'posix', 'ustar', 'v7'])('in the format %s', async (format) => {
    const skipped =
      format === 'v7' ? ['--exclude=./null', '--exclude=./fifo', `--exclude=./${LONG.split('/')[0]}`] : [];
    const options = [`--format=${format}`, ...skipped, '--sort=name', '-cf', '-', '-C', folder, '.'];
    const { stdout } = await runCommand('tar', options, { env: { LC_ALL: 'C' } });
    const entries = (await readTar(stdout)).map(shown);
    expect(entries.length).toBeGreaterThan(14);
    expect(entries).toEqual(await listedByGnu(stdout));
  });

  test.each(['gnu', 'posix'])('with what goes over the fields of a header, in the format %s', async (format) => {
    const deep = `${folder}-deep`;
    await mkdir(join(deep, VERY_LONG), { recursive: true });
    try {
      await writeFile(join(deep, VERY_LONG, 'file'), 'x');
      await symlink('t'.repeat(300), join(deep, 'far'));
      const options = [
        `--format=${format}`,
        '--owner=:4294967294',
        '--group=:3000000',
        '--mtime=@15000000000',
        '--sort=name',
      ];
      const { stdout } = await runCommand('tar', [...options, '-cf', '-', '-C', deep, '.']);
      const entries = (await readTar(stdout)).map(shown);
      expect(entries).toEqual(await listedByGnu(stdout));
      expect(entries.at(-1)).toMatchObject({ path: `${VERY_LONG}/file`, uid: 4_294_967_294, mtime: 15_000_000_000 });
    } finally {
      await rm(deep, { recursive: true });
    }
  });
});

describe.skipIf(lacks('bsdtar'))('what bsdtar writes is read as GNU tar lists it (needs bsdtar)', () => {
  test.each(['pax', 'ustar', 'gnutar'])('in the format %s', async (format) => {
    const options = [`--format=${format}`, '-cf', '-', '-C', folder, '.'];
    const { stdout } = await runCommand('bsdtar', options, { env: { LC_ALL: 'C.UTF-8' } });
    const entries = (await readTar(stdout)).map(shown);
    expect(entries.length).toBeGreaterThan(14);
    expect(entries).toEqual(await listedByGnu(stdout));
  });
});

test('the names are those of the files', async () => {
  const { stdout } = await runCommand('tar', ['--format=posix', '-cf', '-', '-C', folder, '.']);
  for (const { path } of (await readTar(stdout)).map(shown)) {
    await expect(lstat(Buffer.from(`${folder}/${path}`, 'latin1'))).resolves.toBeDefined();
  }
});
