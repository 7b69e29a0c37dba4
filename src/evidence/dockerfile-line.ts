import { tryParseJson } from '../base/text/go-json.js';

/** How each instruction is written in a Dockerfile, from the way that builders print its value. */
const WRITERS: Readonly<Record<string, (value: string) => string | undefined>> = {
  CMD: (value) => jsonOf(goStrings(within('[', value, ']'))),
  ENTRYPOINT: (value) => jsonOf(goStrings(within('[', value, ']'))),
  EXPOSE: (value) => (within('map[', value, ']') ?? within('[', value, ']'))?.replaceAll(':{}', ''),
  HEALTHCHECK: healthCheck,
  SHELL: (value) => jsonOf(plainWords(within('[', value, ']'), (word) => /^[\w./:\\=-]+$/.test(word))),
  VOLUME: (value) => plainWords(within('[', value, ']'), (word) => /^\/[^"'\\,]*$/.test(word))?.join(' '),
};

/**
 * Docker's builders print the values of some instructions as Go shows them: `CMD ["a" "b"]`, `EXPOSE map[80/tcp:{}]`.
 *
 * @param text an instruction and its value, as printed
 * @returns the instruction as it is written in a Dockerfile; the text itself where that is not certain
 */
export function dockerfileLine(text: string): string {
  const [word = ''] = /^[A-Z]+(?= )/.exec(text) ?? [];
  const written = Object.hasOwn(WRITERS, word) ? WRITERS[word]?.(text.slice(word.length + 1)) : undefined;
  return written === undefined ? text : `${word} ${written}`;
}

const OPTIONS = ['interval', 'timeout', 'start-period', 'start-interval'] as const;

/** `&{["CMD-SHELL" "x"] "30s" "0s" "0s" '\x03'}`: the test, durations, and retries. Docker 25 prints a fourth duration. */
function healthCheck(value: string): string | undefined {
  const printed = /^&\{\[(.*)\] ((?:"[\w.]+" ){3,4})'(.{1,10})'\}$/s.exec(value);
  const [kind, ...words] = goStrings(printed?.[1]) ?? [];
  const durations = goStrings(printed?.[2]?.trimEnd());
  const retries = goStrings(`"${printed?.[3]}"`)?.[0]?.codePointAt(0);
  if (durations === undefined || retries === undefined) return undefined;
  if (kind === 'NONE') return kind;
  const command = kind === 'CMD-SHELL' ? words.join(' ') : kind === 'CMD' ? jsonOf(words) : undefined;
  if (command === undefined) return undefined;
  const options = durations.flatMap((time, i) => (time === '0s' ? [] : [`--${OPTIONS[i]}=${time}`]));
  return [...options, ...(retries === 0 ? [] : [`--retries=${retries}`]), `CMD ${command}`].join(' ');
}

function within(start: string, text: string, end: string): string | undefined {
  if (!text.startsWith(start) || !text.endsWith(end)) return undefined;
  return text.slice(start.length, -end.length);
}

function jsonOf(strings: readonly string[] | undefined): string | undefined {
  return strings && `[${strings.map((text) => JSON.stringify(text)).join(', ')}]`;
}

/** Words that were printed without quotes, if no blank can be a part of one. */
function plainWords(text: string | undefined, isPlain: (word: string) => boolean): readonly string[] | undefined {
  const words = text?.split(' ');
  return words?.every(isPlain) ? words : undefined;
}

/** What Go's `%q` printed: strings in double quotes, with a blank between two. */
function goStrings(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const strings: unknown[] = [];
  for (let at = 0; at < text.length; ) {
    const end = endOfString(text, at);
    if (text[at] !== '"' || (end < text.length && text[end] !== ' ')) return undefined;
    strings.push(tryParseJson(inJson(text.slice(at, end))));
    at = end + 1;
  }
  return strings.every((string) => typeof string === 'string') ? strings : undefined;
}

/** Where a string ends: after its closing quote. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

const SHORT: Readonly<Record<string, string>> = { a: '\\u0007', v: '\\u000b', "'": "'" };

/** Writes the escapes that JSON lacks as it has them. It has none for a byte that is not UTF-8. */
function inJson(string: string): string {
  return string.replace(/\\(?:([av'])|x([0-7][0-9a-f])|U([0-9a-f]{8})|.)/gs, (written, short, byte, character) => {
    if (short !== undefined) return SHORT[short] ?? written;
    if (byte !== undefined) return `\\u00${byte}`;
    const code = character === undefined ? Number.NaN : Number.parseInt(character, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : written;
  });
}
