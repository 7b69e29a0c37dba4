import { printable } from '../text/printable.js';

const MAX_REASON = 300;

/** What a failure says, in one printable line. Anything can be thrown, so nothing is expected of it. */
export function reasonOf(failure: unknown): string {
  try {
    const text = failure instanceof Error ? failure.message || failure.name : String(failure);
    return printable(text, MAX_REASON);
  } catch {
    return `a value of type ${typeof failure}`;
  }
}
