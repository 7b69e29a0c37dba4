import type { ByteName } from '../base/io/open-folder.js';
import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { latin1 } from '../tar/pax.js';

/** A path in the image to copy, with all that is below it. */
export interface CopySource {
  /** From the root, without a slash at either end, `.` and `..`; empty for the root. */
  readonly path: Uint8Array;
  /** The name of the copy, if it keeps no whole path. Empty for what is in a directory, not the directory itself. */
  readonly name: Uint8Array;
}

export interface LandingRule {
  /** The name of the only copy. Without it, each copy has that of its source. */
  readonly name?: ByteName | undefined;
  /** Copies keep their whole paths, and the directories above them are copied too. */
  readonly parents?: boolean | undefined;
}

/** Where the entries of an image go: paths below the folder that they are copied to. */
export class Landings {
  /** Where the sources go, by their paths. A source inside another one goes where that one goes, and is not listed. */
  readonly #landings = new Map<ByteName, ByteName>();
  /** The directories above the sources, if they are copied. */
  readonly #parents = new Set<ByteName>();
  /** Length of the longest source. */
  readonly #longest: number;
  /** The source that the last entry belongs to, and what its paths begin with: the next entry mostly belongs to it too. */
  #source: ByteName | undefined;
  #below = '';
  #landing: ByteName = '';

  /** @throws DIMGX_OPTION_INVALID if two sources would have one name, or one source two */
  constructor(sources: readonly CopySource[], rule: LandingRule) {
    const all = allLandings(sources, rule);
    const taken = new Map<ByteName, ByteName>();
    for (const [path, landing] of all) {
      const above = [...parentsOf(path)];
      if (above.some((parent) => all.has(parent))) continue;
      const other = taken.get(landing);
      if (other !== undefined) throw sameName(other, path);
      if (landing !== '') taken.set(landing, path);
      this.#landings.set(path, landing);
      if (rule.parents) for (const parent of above) this.#parents.add(parent);
    }
    this.#parents.delete('');
    this.#longest = [...this.#landings.keys()].reduce((longest, { length }) => Math.max(longest, length), 0);
  }

  /** Where the sources go. Empty for one whose contents go into the folder. */
  get roots(): Iterable<ByteName> {
    return this.#landings.values();
  }

  /** Where an entry goes. Empty for the folder itself. @returns `undefined` if it is not copied */
  of(path: ByteName): ByteName | undefined {
    if (!this.#isBelow(path) && !this.#find(path)) return this.#parents.has(path) ? path : undefined;
    if (path === this.#source) return this.#landing;
    const name = path.slice(this.#below.length);
    return this.#landing === '' ? name : `${this.#landing}/${name}`;
  }

  /** Whether a path is a source. */
  isSource(path: ByteName): boolean {
    return this.#landings.has(path);
  }

  #isBelow(path: ByteName): boolean {
    return this.#source !== undefined && (path === this.#source || path.startsWith(this.#below));
  }

  #find(path: ByteName): boolean {
    const candidates = path.length <= this.#longest ? [path] : [];
    for (const source of [...candidates, ...parentsOf(path, this.#longest)]) {
      const landing = this.#landings.get(source);
      if (landing === undefined) continue;
      this.#source = source;
      this.#below = source === '' ? '' : `${source}/`;
      this.#landing = landing;
      return true;
    }
    return false;
  }
}

/** Where each source would go by itself. */
function allLandings(sources: readonly CopySource[], { name, parents }: LandingRule): ReadonlyMap<ByteName, ByteName> {
  const all = new Map<ByteName, ByteName>();
  for (const source of sources) {
    const path = latin1(source.path);
    const landing = name ?? (parents ? path : latin1(source.name));
    if ((all.get(path) ?? landing) !== landing) throw twoNames(path);
    all.set(path, landing);
  }
  return all;
}

/** The directories above a path, the root last. @param longest only those of at most this length */
function* parentsOf(path: ByteName, longest = path.length): Generator<ByteName> {
  if (path === '') return;
  for (let end = path.lastIndexOf('/', longest); end > 0; end = path.lastIndexOf('/', end - 1))
    yield path.slice(0, end);
  yield '';
}

function twoNames(path: ByteName): DimgxError {
  const message = `${quoted(Buffer.from(`/${path}`, 'latin1'))} would have two names: copy it twice, or keep its whole path`;
  return new DimgxError('DIMGX_OPTION_INVALID', message);
}

function sameName(one: ByteName, other: ByteName): DimgxError {
  const [first, second] = [one, other].map((path) => quoted(Buffer.from(`/${path}`, 'latin1')));
  const message = `${first} and ${second} would have the same name: copy them to two folders, or keep their whole paths`;
  return new DimgxError('DIMGX_OPTION_INVALID', message);
}
