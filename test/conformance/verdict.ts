import { isDeepStrictEqual } from 'node:util';
import type { Tree } from '../helpers/tree.js';
import type { Case } from './case.js';
import { shortened } from './markdown.js';
import { shownTree } from './shown-tree.js';

/**
 * What a real engine makes of the image of a case, beside what the case expects: the same tree, another one (with the
 * lines that it lacks or has too many), or none. Of an image that should be refused it says so, too, or takes it. Row
 * 2.1 is told from others: that Docker's vfs makes missing parents 0600 shows in many a case of something else.
 */
export type Verdict = 'same' | 'same but 2.1' | 'refuses' | 'takes it' | `differs: ${string}`;

const LONGEST = 8;

/**
 * Compares the tree that an engine shows with the one that is expected.
 *
 * The mode of a directory that no layer describes, and the like, count; its time is open: an engine makes it when it
 * loads the image. So is the root, where no layer has an entry for it.
 *
 * @param loadedAt when it began to load, in milliseconds: a directory that is newer has got its time from the engine
 */
export function verdictOf(expected: readonly string[], tree: Tree, loadedAt: number): Verdict {
  const shown = shownTree(withTimesOf(expected, tree, loadedAt), expected);
  const lacks = expected.filter((line) => !shown.includes(line)).map((line) => `- ${line}`);
  const more = shown.filter((line) => !expected.includes(line)).map((line) => `+ ${line}`);
  if (lacks.length === 0 && more.length === 0) return 'same';
  if (isDeepStrictEqual(lacks.map(withClosedParents), more)) return 'same but 2.1';
  return `differs: ${[...lacks, ...more].slice(0, LONGEST).map(shortened).join(', ')}`;
}

/** Whether an engine does as dimgx does. */
export function agrees(example: Case, verdict: Verdict): boolean {
  return 'refused' in example ? verdict === 'refuses' : verdict === 'same' || verdict === 'same but 2.1';
}

function withClosedParents(line: string): string {
  return line.endsWith('/') ? `${line.replace('-', '+')} 0600` : line;
}

/** The tree with the expected times where time is open, and without the root where that is. */
function withTimesOf(expected: readonly string[], tree: Tree, loadedAt: number): Tree {
  const settled = new Map(tree);
  if (!expected.some((line) => isOf(line, '.'))) settled.delete('.');
  for (const [path, entry] of settled) {
    if (entry.type !== 'directory' || Number(entry.mtime) * 1000 < loadedAt) continue;
    const line = expected.find((candidate) => isOf(candidate, path)) ?? '';
    settled.set(path, { ...entry, mtime: / (-?\d+\.\d{9})(?= |$)/.exec(line)?.[1] ?? '0' });
  }
  return settled;
}

function isOf(line: string, path: string): boolean {
  return line === `${path}/` || line.startsWith(`${path}/ `);
}
