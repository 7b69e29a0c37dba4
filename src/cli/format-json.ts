/** What JSON leaves as it is, and a terminal would obey. */
const STEERING = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** An indented document that is harmless on a terminal and parses to the same value; with its line end. */
export function formatJson(value: unknown): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `${JSON.stringify(value, null, 2).replace(STEERING, escaped)}\n`;
}
