import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { NamePattern } from './name-pattern.js';

/** Longest pattern, in characters: as long as a path may be, with each character escaped. */
const MAX_PATTERN = 8192;

/** Which parts of a pattern a path has reached, in order. Empty: nothing below the path fits either. */
export type GlobState = readonly number[];

/** Stands for any number of names. */
const ACROSS = '**';

/**
 * A pattern for paths, from the root. It is matched name by name on the way down a tree, in time that grows with its
 * length and not with the number of its wildcards.
 */
export class Glob {
  readonly #parts: readonly (NamePattern | typeof ACROSS)[];
  readonly start: GlobState;

  /** @throws DIMGX_OPTION_INVALID */
  constructor(text: string) {
    if (text === '') throw invalid(text, 'is empty');
    if (text.length > MAX_PATTERN) throw invalid(text.slice(0, 40), `is longer than ${MAX_PATTERN} characters`);
    const names = text.split('/').filter((name) => name !== '' && name !== '.');
    if (names.includes('..')) throw invalid(text, 'has the name ".."');
    const parts = names.map((name) => (name === ACROSS ? ACROSS : new NamePattern(name)));
    this.#parts = parts.filter((part, i) => part !== ACROSS || parts[i + 1] !== ACROSS);
    this.start = this.#reached([0]);
  }

  /** The state below a directory whose state is known. @param name code points */
  step(state: GlobState, name: readonly number[]): GlobState {
    const next: number[] = [];
    for (const at of state) {
      const part = this.#parts[at];
      if (part === undefined) continue;
      if (part === ACROSS) next.push(at, at + 1);
      else if (part.fits(name)) next.push(at + 1);
    }
    return next.length === 0 ? next : this.#reached(next);
  }

  /** Whether the path fits as a whole. What is below it need not be looked at. */
  isMatch(state: GlobState): boolean {
    return state.at(-1) === this.#parts.length;
  }

  /** Before another part, `**` may stand for no name at all. At the end it stands for one at least. */
  #reached(positions: readonly number[]): GlobState {
    const all = new Set(positions);
    for (const at of all) if (this.#parts[at] === ACROSS && at + 1 < this.#parts.length) all.add(at + 1);
    return [...all].sort((a, b) => a - b);
  }
}

function invalid(text: string, why: string): DimgxError {
  return new DimgxError('DIMGX_OPTION_INVALID', `the pattern ${quoted(text)} for paths ${why}`);
}
