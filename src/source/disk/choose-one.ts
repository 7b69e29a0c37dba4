import { quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';

/**
 * Chooses by the first reading of a name that anything matches.
 *
 * @param name as the user gave it
 * @param what the choices are, in the plural
 * @returns `undefined` if nothing matches
 * @throws DIMGX_SOURCE_AMBIGUOUS
 */
export function chooseOne<T>(
  choices: readonly T[],
  readings: readonly ((choice: T) => boolean)[],
  name: string,
  what: string,
): T | undefined {
  for (const reading of readings) {
    const [first, ...others] = choices.filter(reading);
    if (others.length > 0) {
      const message = `${quoted(name)} means ${others.length + 1} ${what}: use a longer ID`;
      throw new DimgxError('DIMGX_SOURCE_AMBIGUOUS', message);
    }
    if (first) return first;
  }
  return undefined;
}
