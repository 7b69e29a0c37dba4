import { DimgxError, printable } from '../../index.js';

/** A command line that cannot be understood. The code that reports it adds where to find help. */
export class UsageError extends DimgxError {
  /** @param what what is wrong with the command line, without a full stop */
  constructor(what: string) {
    super('DIMGX_USAGE', printable(what));
  }
}

/**
 * @param what what is wrong with the command line, without a full stop
 */
export function usageError(what: string): DimgxError {
  return new UsageError(what);
}

/** The largest number of edits between a typed word and a suggestion: fewer for short words. */
const most = (word: string) => Math.max(1, Math.floor(word.length / 3));

/**
 * The name that the user may have meant by a word.
 *
 * @returns `undefined` if no name is similar
 */
export function nearest(word: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = most(word) + 1;
  for (const name of names) {
    const edits = editsBetween(word, name);
    if (edits < least) [best, least] = [name, edits];
  }
  return best;
}

/** Number of letters to insert, remove or replace, and of neighbours to swap (optimal string alignment distance). */
function editsBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > most(a)) return Number.POSITIVE_INFINITY;
  let older: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let edits = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (isSame ? 0 : 1),
      );
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, (older[j - 2] as number) + 1);
      row.push(edits);
    }
    [older, last] = [last, row];
  }
  return last[b.length] as number;
}

/** Text to append to a message about an unknown word; empty if no name is similar. */
export function suggestion(word: string, names: readonly string[], show = (name: string) => name): string {
  const name = nearest(word, names);
  return name === undefined ? '' : `; did you mean ${show(name)}?`;
}
