import { printable } from '../text/printable.js';

const MAX_REASON = 300;

/**
 * The message of a failure, in one printable line. Makes no assumption about the value, since anything can be thrown.
 */
export function reasonOf(failure: unknown): string {
  try {
    const text = failure instanceof Error ? failure.message || failure.name : String(failure);
    return printable(text, MAX_REASON);
  } catch {
    return `a value of type ${typeof failure}`;
  }
}
