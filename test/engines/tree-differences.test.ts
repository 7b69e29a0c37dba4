import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeWithEngines } from '../helpers/engines.js';
import { listTree } from '../helpers/tree.js';
import { timesLeftOpen, treeDifferences } from '../helpers/tree-differences.js';

/** The measuring rod of this folder is measured first: each kind of difference between two trees has to be reported. */
describeWithEngines('the comparison of trees', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dimgx-tree-'));
    makeTree(`${folder}/a`);
    makeTree(`${folder}/b`);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function differences(): Promise<string[]> {
    return treeDifferences(await listTree(`${folder}/a`), await listTree(`${folder}/b`));
  }

  it('finds none between two trees made alike', async () => {
    expect(await differences()).toEqual([]);
    expect((await listTree(`${folder}/a`)).size).toBe(15);
  });

  const CHANGES: Record<string, [change: (root: string) => void, ...reports: string[]]> = {
    content: [(root) => writeFileSync(`${root}/plain`, 'CONTENT'), '"plain": sha256'],
    size: [(root) => writeFileSync(`${root}/plain`, ''), '"plain": size is "0", should be "7"', '"plain": sha256'],
    mode: [(root) => chmodSync(`${root}/plain`, 0o4644), '"plain": mode is "4644", should be "0644"'],
    owner: [
      (root) => run('chown', '3000000000:7', `${root}/plain`),
      '"plain": owner is "3000000000:7", should be "0:0"',
    ],
    'link target': [
      (root) => symlink(root, 'elsewhere'),
      '"symlink": target is "elsewhere", should be "caf\u00c3\u00a9"',
    ],
    'owner of a symlink': [(root) => run('chown', '-h', '1:2', `${root}/symlink`), '"symlink": owner is "1:2"'],
    'extended attribute': [
      (root) => run('setfattr', '-n', 'user.k', '-v', '0x00ff', `${root}/plain`),
      '"plain": xattrs is "user.k=0x00ff", should be ""',
    ],
    'attribute of a symlink': [
      (root) => run('setfattr', '-h', '-n', 'trusted.k', '-v', 'x', `${root}/symlink`),
      '"symlink": xattrs is "trusted.k=0x78", should be ""',
    ],
    'attribute of an odd name': [
      (root) => run('bash', '-c', `setfattr -n user.k -v 1 ${root}/$'\\\\\\n\\xff'`),
      `${JSON.stringify('\\\n\xff')}: xattrs is "user.k=0x31", should be "user.k=0x30"`,
    ],
    'a hard link that became a copy': [
      (root) => run('bash', '-c', `cd ${root} && cp -a file copy && mv copy 'hard link'`),
      '"file": sameFileAs is "", should be "file"',
      '"hard link": sameFileAs is "", should be "file"',
    ],
    'device number': [(root) => device(root, 'c', '1', '4'), '"device": device is "1:4", should be "1:3"'],
    'large device number': [(root) => device(root, 'c', '259', '70000'), '"device": device is "259:70000"'],
    'device type': [(root) => device(root, 'b', '1', '3'), '"device": type is "block device"'],
    'a missing entry': [(root) => rmSync(`${root}/fifo`), '"fifo": missing, a fifo'],
    'an entry too many': [(root) => writeFileSync(`${root}/new`, ''), '"new": a file that should not be there'],
  };

  it.each(Object.entries(CHANGES))('reports: %s', async (_, [change, ...reports]) => {
    change(`${folder}/b`);
    settleTimes(`${folder}/b`);
    expect(await differences()).toEqual(reports.map((report) => expect.stringContaining(report)));
  });

  it.each(['plain', 'symlink', 'directory', 'fifo'])('reports: time of a %s, to the nanosecond', async (path) => {
    run('touch', '-h', '-d', '@-1.999999999', `${folder}/b/${path}`);
    expect(await differences()).toEqual([
      `${JSON.stringify(path)}: mtime is "-2.000000001", should be "1000000000.123456789"`,
    ]);
  });

  it('leaves the time of a directory open only where the engine made it up while it loaded the image', async () => {
    const before = Date.now();
    utimesSync(`${folder}/b/directory`, 1, 1);
    const [a, b] = [await listTree(`${folder}/a`), await listTree(`${folder}/b`)];
    expect(treeDifferences(a, b, timesLeftOpen(before))).toHaveLength(1);
    run('touch', `${folder}/a/directory`, `${folder}/a/plain`);
    expect(treeDifferences(await listTree(`${folder}/a`), b, timesLeftOpen(before))).toEqual([
      expect.stringContaining('"plain": mtime'),
    ]);
  });
});

function makeTree(root: string): void {
  mkdirSync(`${root}/directory`, { recursive: true });
  writeFileSync(`${root}/plain`, 'content');
  writeFileSync(`${root}/file`, 'content');
  linkSync(`${root}/file`, `${root}/hard link`);
  symlinkSync('café', `${root}/symlink`);
  run('mkfifo', `${root}/fifo`);
  run('mknod', `${root}/device`, 'c', '1', '3');
  for (const name of ['-dash', 'new\nline', 'carriage\rreturn', 'equals=sign', 'back\\134slash']) {
    writeFileSync(`${root}/directory/${name}`, name);
    run('setfattr', '-n', 'user.name=odd\n', '-v', '0x0a00', `${root}/directory/${name}`);
  }
  writeFileSync(Buffer.from(`${root}/\\\n\xff`, 'latin1'), '');
  run('bash', '-c', `setfattr -n user.k -v 0 ${root}/$'\\\\\\n\\xff'`);
  writeFileSync(`${root}/directory/empty`, '');
  settleTimes(root);
}

/** Every change also changes times, which would be reported as well. */
function settleTimes(root: string): void {
  run('find', root, '-exec', 'touch', '-h', '-d', '@1000000000.123456789', '{}', '+');
}

function symlink(root: string, target: string): void {
  rmSync(`${root}/symlink`);
  symlinkSync(target, `${root}/symlink`);
}

function device(root: string, ...numbers: string[]): void {
  rmSync(`${root}/device`);
  run('mknod', `${root}/device`, ...numbers);
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args);
}
