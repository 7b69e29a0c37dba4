import { requireThat } from '../check-options.js';
import { Glob, type GlobState } from './glob.js';
import { charactersOf } from './name-pattern.js';
import { KIND, NONE, type Node } from './node.js';
import type { Successors } from './successors.js';
import type { Tree } from './tree.js';

/** Which of several rules a path goes by, if none fits it. */
const NO_RULE = -1;

interface PathRule {
  /** As the caller wrote it, without the sign. */
  readonly pattern: string;
  readonly keeps: boolean;
  readonly glob: Glob;
}

/** What a filter has made of a tree. */
interface Filtered {
  /** Nodes that are left out. */
  readonly leftOut: readonly Node[];
  /** Patterns that fit no path. */
  readonly unused: readonly string[];
  /** For each node, 1 if it is kept: of those that are not in the tree, too, if they were asked for. */
  readonly wanted: Uint8Array;
}

/**
 * Rules that say which paths of a tree are kept. What fits a rule takes all below it, and the last rule that fits
 * counts. If none does, a path is kept unless the first rule keeps others. Directories above what is kept are kept.
 */
export class PathFilter {
  readonly #rules: readonly PathRule[];

  /** @param rules a pattern after `+` is kept, one after `-` is not @throws DIMGX_OPTION_INVALID */
  constructor(rules: readonly string[]) {
    this.#rules = rules.map((text): PathRule => {
      requireThat(/^[+-]/.test(text), 'each element of the option paths', 'a pattern after + or -', text);
      const pattern = text.slice(1);
      return { pattern, keeps: text.startsWith('+'), glob: new Glob(pattern) };
    });
  }

  /**
   * @param alive for each node, 1 if it is in the tree: set to 0 for those that are left out
   * @param successors what became of emptied directories. If given, the rules apply to nodes that are not in the tree,
   *   too
   */
  apply(tree: Tree, alive: Uint8Array, successors?: Successors): Filtered {
    const kept = new Uint8Array(alive.length);
    const isUsed = this.#rules.map(() => false);
    const ranks = new Int32Array(alive.length).fill(NO_RULE);
    const states = new Map<Node, readonly GlobState[]>();
    for (let node = 0; node < alive.length; node++) {
      if (alive[node] === 0 && successors === undefined) continue;
      const parent = tree.parent(node);
      const above = parent === NONE ? undefined : states.get(parent);
      const name = charactersOf(tree.name(node));
      const own = this.#rules.map(({ glob }, i) =>
        parent === NONE ? glob.start : glob.step((above as readonly GlobState[])[i] as GlobState, name),
      );
      if (tree.kind(node) === KIND.directory) states.set(node, own);
      ranks[node] = parent === NONE ? NO_RULE : (ranks[parent] as number);
      for (const [i, { glob }] of this.#rules.entries()) {
        if (!glob.isMatch(own[i] as GlobState)) continue;
        isUsed[i] ||= alive[node] === 1;
        ranks[node] = Math.max(ranks[node] as number, i);
      }
      kept[node] = this.#keeps(ranks[node] as number) ? 1 : 0;
    }
    keepParents(tree, alive, kept);
    if (successors) keepEmptied(successors, alive, kept);
    return {
      wanted: kept,
      leftOut: leaveOut(alive, kept),
      unused: this.#rules.flatMap(({ pattern }, i) => (isUsed[i] ? [] : pattern)),
    };
  }

  #keeps(rank: number): boolean {
    return this.#rules[rank]?.keeps ?? this.#rules[0]?.keeps !== true;
  }
}

/** What is hidden keeps no directory in the tree. */
function keepParents(tree: Tree, alive: Uint8Array, kept: Uint8Array): void {
  kept[tree.root] = 1;
  // A directory comes before what is in it.
  for (let node = alive.length - 1; node >= 0; node--) {
    const parent = tree.parent(node);
    if (kept[node] === 1 && parent !== NONE && (alive[node] === 1 || alive[parent] === 0)) kept[parent] = 1;
  }
}

/** What was in a hidden directory before it was emptied keeps it. */
function keepEmptied(successors: Successors, alive: Uint8Array, kept: Uint8Array): void {
  successors.each((emptied, lasting) => {
    if (kept[emptied] === 1 && alive[lasting] === 0) kept[lasting] = 1;
  });
}

function leaveOut(alive: Uint8Array, kept: Uint8Array): readonly Node[] {
  const leftOut: Node[] = [];
  for (let node = 0; node < alive.length; node++) {
    if (alive[node] === 0 || kept[node] === 1) continue;
    alive[node] = 0;
    leftOut.push(node);
  }
  return leftOut;
}
