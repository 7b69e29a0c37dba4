import { MAX_SYMLINKS } from '../base/limits.js';
import { pathData, printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import type { IndexedLayer } from '../layer/layer-index.js';
import { componentEnd, DOT, SLASH } from '../tar/path.js';
import type { WarningTally } from '../warning-tally.js';
import { KIND, NONE, type Node } from './node.js';
import type { Tree } from './tree.js';

/** Where the last component of a path is: its directory, and whether a symlink was followed on the way. */
interface PathEnd {
  readonly directory: Node;
  readonly redirected: boolean;
}

interface WalkContext {
  readonly tree: Tree;
  /** Oldest first. */
  readonly layers: readonly IndexedLayer[];
  readonly tally: WarningTally;
  readonly lenient: boolean;
  readonly follows: FollowBudget;
}

/**
 * Finds where paths lead in the tree while a layer is applied: to where an overlay mount of the layers would show them.
 * The rules are covered by the cases in test/conformance, rows 2 and 8.
 */
export class Walker {
  readonly #tree: Tree;
  readonly #layers: readonly IndexedLayer[];
  /** Number of the layer being applied. */
  readonly #layer: number;
  readonly #tally: WarningTally;
  /** Make the directories that symlinks point to if they may be in layers that were not selected. */
  readonly #lenient: boolean;
  readonly #follows: FollowBudget;
  readonly #remove: (node: Node) => void;
  #followed = 0;
  /** Last result of `parentOf`, and the position of its path in the names. */
  #lastStart = 0;
  #lastBase = -1;
  #lastRemovals = 0;
  #lastPlace: PathEnd = { directory: NONE, redirected: false };

  /** @param remove removes a node that gives way to a directory */
  constructor({ tree, layers, tally, lenient, follows }: WalkContext, layer: number, remove: (node: Node) => void) {
    this.#tree = tree;
    this.#layers = layers;
    this.#layer = layer;
    this.#tally = tally;
    this.#lenient = lenient;
    this.#follows = follows;
    this.#remove = remove;
  }

  /**
   * The directory that an entry is created in. Missing directories are made. A symlink of this layer is followed. A
   * symlink or file of an older layer gives way to a directory, as in an overlay mount.
   *
   * @throws DIMGX_ENTRY_BAD_PARENT
   */
  parentOf(names: Uint8Array, start: number, base: number): PathEnd {
    if (this.#isLastParent(names, start, base)) return this.#lastPlace;
    this.#followed = 0;
    let directory = this.#tree.root;
    for (let at = start; at < base; ) {
      const end = componentEnd(names, at);
      const child = this.#tree.lookup(directory, names, at, end);
      if (child === NONE) directory = this.#imply(directory, names, at, end);
      else if (this.#tree.kind(child) === KIND.directory) directory = child;
      else if (this.#tree.layer(child) !== this.#layer) directory = this.#replace(child, names.subarray(start, end));
      else if (this.#tree.kind(child) === KIND.symlink) directory = this.#followParent(child);
      else throw this.#badParent(names.subarray(start, end), 'is a file of the same layer');
      at = end + 1;
    }
    this.#lastStart = start;
    this.#lastBase = base;
    this.#lastRemovals = this.#tree.removals;
    this.#lastPlace = { directory, redirected: this.#followed > 0 };
    return this.#lastPlace;
  }

  /** Whether a path has the same directories as the previous one; it usually does. */
  #isLastParent(names: Uint8Array, start: number, base: number): boolean {
    if (base - start !== this.#lastBase - this.#lastStart || this.#lastRemovals !== this.#tree.removals) return false;
    for (let i = base - 1, last = this.#lastBase - 1; i >= start; i--, last--)
      if (names[i] !== names[last]) return false;
    return true;
  }

  /**
   * The older directory that a whiteout or opaque marker acts in.
   *
   * @returns the node found instead, if the directory or one above it is not a directory; `NONE` if nothing is there
   */
  olderDirectory(path: Uint8Array): Node {
    let directory = this.#tree.root;
    for (let at = 0; at < path.length; ) {
      const end = componentEnd(path, at);
      const child = this.#tree.lookup(directory, path, at, end);
      if (child === NONE) return NONE;
      if (this.#tree.kind(child) !== KIND.directory) return child;
      directory = child;
      at = end + 1;
    }
    return directory;
  }

  /**
   * Replaces the non-directory that an older layer has where a marker expects a directory, unless this layer already
   * has.
   */
  unblock(node: Node): void {
    if (!this.#tree.isUnreachable(node)) this.#replace(node, this.#tree.path(node));
  }

  /** The node that a hard link's target names, or `NONE`. Symlinks are followed except in the last component. */
  targetOf(path: Uint8Array): Node {
    this.#followed = 0;
    const slash = path.lastIndexOf(SLASH);
    const directory = slash < 0 ? this.#tree.root : this.#resolve(this.#tree.root, path.subarray(0, slash), false);
    return directory === NONE ? NONE : this.#tree.lookup(directory, path, slash + 1, path.length);
  }

  /** Replaces a non-directory with a directory. */
  #replace(node: Node, path: Uint8Array): Node {
    const isSymlink = this.#tree.kind(node) === KIND.symlink;
    this.#tally.add(isSymlink ? 'DIMGX_ENTRY_SYMLINK_REPLACED' : 'DIMGX_ENTRY_FILE_REPLACED', path);
    this.#remove(node);
    const name = this.#tree.name(node).slice();
    return this.#imply(this.#tree.parent(node), name, 0, name.length);
  }

  #imply(directory: Node, names: Uint8Array, start: number, end: number): Node {
    return this.#tree.add(directory, names, start, end, KIND.directory, { layer: this.#layer, entry: NONE }, NONE);
  }

  #followParent(symlink: Node): Node {
    const found = this.#follow(symlink, this.#lenient);
    if (found !== NONE) return found;
    const what =
      this.#followed > MAX_SYMLINKS ? 'is a loop of symlinks' : 'is a symlink that does not lead to a directory';
    throw this.#badParent(this.#tree.path(symlink), what);
  }

  /** The directory that a symlink leads to, or `NONE`. */
  #follow(symlink: Node, make: boolean): Node {
    if (++this.#followed > MAX_SYMLINKS) return NONE;
    const { layer, entry } = this.#contentOf(symlink);
    const target = (this.#layers[layer] as IndexedLayer).entries.link(entry);
    this.#follows.spend(target);
    const from = target[0] === SLASH ? this.#tree.root : this.#tree.parent(symlink);
    return this.#resolve(from, target, make);
  }

  #contentOf(node: Node) {
    const inode = this.#tree.inode(node);
    const { contentLayer, contentEntry } = this.#tree.inodes;
    return { layer: contentLayer.get(inode), entry: contentEntry.get(inode) };
  }

  /** Follows a path of directories and symlinks. `..` stops at the root. Returns `NONE` if it leads to no directory. */
  #resolve(from: Node, path: Uint8Array, make: boolean): Node {
    let directory = from;
    for (let at = 0; at < path.length; ) {
      const end = componentEnd(path, at);
      const isDot = path[at] === DOT && end === at + 1;
      const isDotDot = path[at] === DOT && path[at + 1] === DOT && end === at + 2;
      if (isDotDot) directory = directory === this.#tree.root ? directory : this.#tree.parent(directory);
      else if (end > at && !isDot) {
        const child = this.#tree.lookup(directory, path, at, end);
        if (child === NONE && make) directory = this.#imply(directory, path, at, end);
        else if (child === NONE) return NONE;
        else if (this.#tree.kind(child) === KIND.directory) directory = child;
        else if (this.#tree.kind(child) === KIND.symlink) directory = this.#follow(child, make);
        else return NONE;
        if (directory === NONE) return NONE;
      }
      at = end + 1;
    }
    return directory;
  }

  #badParent(path: Uint8Array, what: string): DimgxError {
    const { layer } = this.#layers[this.#layer] as IndexedLayer;
    const message = `an entry lies below "${printable(path)}", which ${what}`;
    return new DimgxError('DIMGX_ENTRY_BAD_PARENT', message, { layer: layer.name, ...pathData(path) });
  }
}

/** In bytes. Enough for ten million entries below `/lib`, where that is a symlink of their own layer. */
const MAX_FOLLOWED = 64 * 2 ** 20;

/**
 * Limits the total length of the symlink targets that are followed in an image, in bytes. Without it, each path could
 * lead through forty targets of 4,095 bytes, and an entry of one block could take as long as a hundred thousand others.
 */
export class FollowBudget {
  #left = MAX_FOLLOWED;

  /** @throws DIMGX_ENTRY_BAD_PARENT */
  spend(target: Uint8Array): void {
    this.#left -= target.length;
    if (this.#left >= 0) return;
    const message = `the symlinks on the way to the entries of the image have targets of more than ${MAX_FOLLOWED} bytes in all`;
    throw new DimgxError('DIMGX_ENTRY_BAD_PARENT', message);
  }
}
