import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { EXTRACTORS } from './extract-tar.js';
import { judgeProvenance } from './judge-provenance.js';
import type { Provenance, RecordedRun } from './recorded-run.js';
import { runCommand, runShell } from './run-command.js';
import { listTree } from './tree.js';

/** Programs that judge records, and root. */
export const JUDGES = [
  'root',
  'tar',
  'sha256sum',
  'mtree',
  'bsdtar',
  'mactime',
  'bash',
  'perl',
  'find',
  'xargs',
] as const;

const [TAR = '', ...EXTRACT] = EXTRACTORS['GNU tar'].split(' ');

/** What `mtree` says of a tree, and how it ends. */
export function compareWithMtree(
  tree: string,
  record: string,
): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync('mtree', ['-p', tree, '-f', record], { encoding: 'latin1' });
  return { status, text: stdout + stderr };
}

/** Extracts both tars as root with GNU tar, which must have nothing to say, to `root` and `hidden` in the run's folder. */
export async function extractBoth({ folder, tar, hiddenTar }: RecordedRun): Promise<{ root: string; hidden: string }> {
  const [root, hidden] = [join(folder, 'root'), join(folder, 'hidden')];
  for (const [to, from] of [
    [root, tar],
    [hidden, hiddenTar],
  ] as const) {
    await rm(to, { recursive: true, force: true });
    await mkdir(to);
    const { stdout, stderr } = await runCommand(TAR, [...EXTRACT, '-f', from], { cwd: to });
    expect({ to, stdout: stdout.toString(), stderr }).toEqual({ to, stdout: '', stderr: '' });
  }
  return { root, hidden };
}

const LATIN1 = { LC_ALL: 'C' };

/**
 * Judges what one run wrote with real tools: GNU tar extracts both tars, and then `sha256sum`, `mtree`, `bsdtar` and
 * `mactime` must agree with the records, and the provenance with the extracted trees. Needs `JUDGES`.
 *
 * @param hasPatterns whether names have `*`, `?` or `[`, which `mtree` takes for patterns: then it is not asked
 */
export async function judgeRecords(run: RecordedRun, { hasPatterns = false } = {}): Promise<void> {
  const { root, hidden } = await extractBoth(run);
  const entries = await run.provenance();
  await judgeProvenance(run, entries, await listTree(root), await listTree(hidden));
  await judgeHashes(run, root);
  if (!hasPatterns) expect(compareWithMtree(root, run.record('mtree'))).toEqual({ status: 0, text: '' });
  await judgeNames(run, entries);
  await judgeTimeline(run, entries);
}

/** `sha256sum` prints the same for the extracted tree, and checks it. */
async function judgeHashes(run: RecordedRun, root: string): Promise<void> {
  const record = run.record('sha256sums');
  const checked = await runShell('[ ! -s "$RECORD" ] || sha256sum -c --strict --quiet "$RECORD"', {
    cwd: root,
    env: { RECORD: record, ...LATIN1 },
  });
  expect(checked.stdout.toString('latin1') + checked.stderr).toBe('');
  const { stdout } = await runShell('find . -type f -print0 | xargs -0r sha256sum', { cwd: root, env: LATIN1 });
  const sorted = (bytes: Buffer) => bytes.toString('latin1').split('\n').sort();
  expect(sorted(await readFile(record))).toEqual(sorted(stdout));
}

/** `bsdtar` lists as many names in the specification as the tar has. */
async function judgeNames(run: RecordedRun, entries: readonly Provenance[]): Promise<void> {
  const { stdout, stderr } = await runCommand('bsdtar', ['-tf', run.record('mtree')], { env: LATIN1 });
  expect(stderr).toBe('');
  const present = entries.filter(({ state }) => state === 'present');
  const implied = present[0]?.path === '/' ? 0 : 1;
  expect(new Set(stdout.toString('latin1').trimEnd().split('\n')).size).toBe(present.length + implied);
}

/** `mactime` has a name for every entry and every hidden version, and the size and mode of each. */
async function judgeTimeline(run: RecordedRun, entries: readonly Provenance[]): Promise<void> {
  const { stdout } = await runCommand('mactime', ['-d', '-y', '-b', run.record('bodyfile')], { env: LATIN1 });
  const [, ...lines] = stdout.toString('latin1').split('\n').slice(0, -1);
  const names = new Set(lines.map((line) => /^(?:[^,]*,){7}"(.*)"$/.exec(line)?.[1]));
  expect(names.size).toBe(entries.length);
  const facts = (line: string) => {
    const [, size, , mode, , , inode] = line.split(',');
    return `${inode} ${mode} ${size}`;
  };
  const body = (await readFile(run.record('bodyfile'), 'latin1')).split('\n').slice(0, -1);
  const recorded = body.map((line) => {
    const [, , inode, mode, , , size] = line.split('|');
    return `${inode} ${mode} ${size}`;
  });
  expect([...new Set(lines.map(facts))].sort()).toEqual([...new Set(recorded)].sort());
}
