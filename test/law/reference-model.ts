import { baseOf, type Entry, joined, LEFTOVERS, parentOf } from './decoded-entry.js';
import { directoryOf } from './own-symlinks.js';
import { Refusal } from './refusal.js';
import { described, type Name, newDirectory, type Thing, walk, withXattrs } from './thing.js';

/** Hears what becomes of names while layers are applied. Paths are those of the tree, from the root. */
export interface Observer {
  /** @param entry none for a directory that is only implied */
  onBrought(path: string, thing: Thing, entry: Entry | undefined): void;
  /**
   * Called before what stands at a path is removed, with all below it.
   *
   * @param by the path of the entry that removes it
   */
  onRemoved(path: string, thing: Thing, how: 'removed' | 'opaque' | 'replaced', by: string): void;
}

/**
 * How layers apply, as plainly as it can be put: objects and maps, one layer after the other, each read twice, first
 * for what it removes from the older ones, then for what it brings. The numbers are those of the rows of
 * test/conformance.
 */
export class Model {
  readonly root = newDirectory();
  readonly #observer: Observer | undefined;
  readonly #paths = new Map([[this.root, '']]);
  #layer = -1;
  #followed = 0;

  constructor(observer?: Observer) {
    this.#observer = observer;
  }

  /** @throws Refusal, and is of no use afterwards */
  apply(layer: readonly Entry[]): void {
    this.#layer++;
    const inTheWay = new Map<string, Entry>();
    for (const entry of layer) {
      if (entry.marker === undefined || entry.marker === 'none') continue; // 4.8
      const directory = directoryOf(layer, entry);
      this.#hide(entry, this.directory(directory));
      for (const path of this.#firstThatIsNone(directory)) inTheWay.set(path, inTheWay.get(path) ?? entry);
    }
    for (const entry of layer) if (entry.marker === undefined) this.#bring(entry);
    for (const [path, entry] of inTheWay) this.#makeWay(path, entry);
    for (const name of LEFTOVERS) this.#remove(this.root, name, 'removed', name); // 6
  }

  /** The directory of a path, no symlinks followed. */
  directory(path: string): Thing | undefined {
    let thing: Thing | undefined = this.root;
    for (const part of partsOf(path)) thing = thing?.children.get(part)?.thing;
    return thing?.type === 'directory' ? thing : undefined;
  }

  /** 4.1, 5.1: before anything of the layer is there, so that its own entries stay. 4.3: nothing is made for it. */
  #hide(marker: Entry, directory: Thing | undefined): void {
    const isOpaque = marker.marker === 'opaque';
    const hidden = isOpaque ? [...(directory?.children.keys() ?? [])] : [marker.hides];
    for (const base of hidden) this.#remove(directory, base, isOpaque ? 'opaque' : 'removed', marker.path);
  }

  #remove(directory: Thing | undefined, base: string, ...why: [how: 'removed' | 'opaque' | 'replaced', by: string]) {
    const name = directory?.children.get(base);
    if (directory === undefined || name === undefined) return;
    this.#observer?.onRemoved(this.#pathIn(directory, base), name.thing, ...why);
    directory.children.delete(base);
  }

  #pathIn(directory: Thing, base: string): string {
    return joined(this.#paths.get(directory) as string, base);
  }

  /** The first thing on the way to a path that is no directory. */
  #firstThatIsNone(path: string): string[] {
    const parts = partsOf(path);
    const ways = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
    return ways.filter((way) => this.#name(way) && !this.directory(way)).slice(0, 1);
  }

  /** 2.4, 2.6, 4.10: a marker, too, puts a directory in the place of an older thing. */
  #makeWay(path: string, marker: Entry): void {
    const name = this.#name(path);
    if (name === undefined || name.layer === this.#layer || name.thing.type === 'directory') return;
    this.#imply(this.directory(parentOf(path)) as Thing, baseOf(path), marker);
  }

  #bring(entry: Entry): void {
    if (entry.path === '') {
      if (entry.type !== 'directory') throw new Refusal('DIMGX_LAYER_BAD_ROOT', 'no directory', entry.raw); // 1.4
      this.#describe('', this.root, entry);
      return;
    }
    const directory = this.#parent(entry);
    const base = baseOf(entry.path);
    const there = directory.children.get(base);
    if (entry.type === 'hard link') this.#link(entry, directory, base, there);
    else if (entry.type === 'directory' && there?.thing.type === 'directory')
      this.#describe(this.#pathIn(directory, base), there.thing, entry); // 3
    else {
      this.#remove(directory, base, 'replaced', entry.path);
      this.#put(directory, base, described(newDirectory(), entry), entry);
    }
  }

  #describe(path: string, thing: Thing, entry: Entry): void {
    described(thing, entry);
    this.#observer?.onBrought(path, thing, entry);
  }

  #imply(directory: Thing, base: string, by: Entry): Thing {
    this.#remove(directory, base, 'replaced', by.path);
    return this.#put(directory, base, newDirectory(), undefined);
  }

  #put(directory: Thing, base: string, thing: Thing, entry: Entry | undefined): Thing {
    const path = this.#pathIn(directory, base);
    if (thing.type === 'directory') this.#paths.set(thing, path);
    directory.children.set(base, { thing, layer: this.#layer });
    this.#observer?.onBrought(path, thing, entry);
    return thing;
  }

  /** 2: the directory of an entry, made where it is missing. */
  #parent(entry: Entry): Thing {
    this.#followed = 0;
    let directory = this.root;
    for (const part of partsOf(parentOf(entry.path))) {
      const child = directory.children.get(part);
      const isOwn = child?.layer === this.#layer;
      if (child?.thing.type === 'directory')
        directory = child.thing; // 2.2
      else if (!isOwn)
        directory = this.#imply(directory, part, entry); // 2.1, 2.4, 2.6
      else if (child.thing.type === 'symlink')
        directory = this.#ownSymlink(directory, child.thing, entry); // 2.3
      else throw new Refusal('DIMGX_ENTRY_BAD_PARENT', 'a file of the same layer', entry.raw); // 2.6
    }
    return directory;
  }

  #ownSymlink(directory: Thing, symlink: Thing, entry: Entry): Thing {
    const found = this.#follow(directory, symlink);
    if (found === undefined) throw new Refusal('DIMGX_ENTRY_BAD_PARENT', 'dangling, or a loop', entry.raw); // 2.5
    return found;
  }

  /** 8 */
  #link(entry: Entry, directory: Thing, base: string, there: Name | undefined): void {
    const refuse = (why: string) => new Refusal('DIMGX_ENTRY_BAD_LINK', why, entry.raw);
    const target = this.#target(entry);
    if (target === undefined || target.thing.type === 'directory') throw refuse('no target, or a directory'); // 8.3
    if (target === there) throw refuse('itself');
    this.#remove(directory, base, 'replaced', entry.path);
    if (this.#target(entry) !== target) throw refuse('it removes its own target, or the way to it');
    const { thing } = target;
    this.#put(directory, base, thing, entry);
    thing.owner = entry.owner; // 8.5
    thing.mtime = entry.mtime;
    thing.xattrs = withXattrs(thing, entry);
    if (thing.type !== 'symlink') thing.mode = entry.mode;
  }

  /** 8.1 */
  #target(link: Entry): Name | undefined {
    this.#followed = 0;
    return this.#walk(this.root, partsOf(parentOf(link.target)))?.children.get(baseOf(link.target));
  }

  /** Goes through directories and symlinks, `..` stopping at the root (2.7). */
  #walk(from: Thing, parts: readonly string[]): Thing | undefined {
    let directory: Thing | undefined = from;
    for (const part of parts) {
      if (directory === undefined) return undefined;
      const child: Thing | undefined = part === '..' ? this.#above(directory) : directory.children.get(part)?.thing;
      if (child?.type === 'symlink') directory = this.#follow(directory, child);
      else directory = child?.type === 'directory' ? child : undefined;
    }
    return directory;
  }

  /** `undefined` where it leads nowhere or in a circle. */
  #follow(directory: Thing, { target }: Thing): Thing | undefined {
    if (++this.#followed > 40) return undefined;
    return this.#walk(target.startsWith('/') ? this.root : directory, partsOf(target));
  }

  #above(directory: Thing): Thing {
    let found = this.root;
    walk(this.root, '', (_, { thing }, above) => {
      if (thing === directory) found = above;
    });
    return found;
  }

  #name(path: string): Name | undefined {
    return this.directory(parentOf(path))?.children.get(baseOf(path));
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
