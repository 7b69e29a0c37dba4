/** Characters that JSON does not escape, but that a terminal would obey or hide. */
const STEERING = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

const ASCII = /^[ -~]*$/;

/**
 * A value as JSON on one line, encoded as UTF-8: each character is a byte. It is harmless on a terminal and parses to the
 * same value.
 */
export function jsonBytes(value: unknown): string {
  const text = JSON.stringify(value);
  return ASCII.test(text) ? text : Buffer.from(text.replace(STEERING, escaped)).toString('latin1');
}

function escaped(character: string): string {
  const units = character.split('');
  return units.map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
}
