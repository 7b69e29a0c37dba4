import { isUtf8 } from 'node:buffer';

/** Any one character; any number of characters. */
const [ANY, MANY] = [-1, -2];

/** Characters between brackets. */
interface CharacterSet {
  readonly isNegated: boolean;
  /** Code points: first and last of each range. */
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/** One part of a pattern for paths: `*`, `?`, `[a-z]`, `[!a-z]` and `\` mean what they mean in a shell. */
export class NamePattern {
  readonly #tokens: readonly (number | CharacterSet)[];

  constructor(text: string) {
    this.#tokens = tokensOf(codePoints(text));
  }

  /** @param name code points */
  fits(name: readonly number[]): boolean {
    const tokens = this.#tokens;
    let [token, at] = [0, 0];
    // After the last `*` only that one has to be tried with more characters.
    let [resumeToken, resumeAt] = [-1, -1];
    while (at < name.length) {
      const now = tokens[token];
      if (now === MANY) {
        [resumeToken, resumeAt] = [token, at];
        token += 1;
      } else if (now !== undefined && isFitting(now, name[at] as number)) {
        token += 1;
        at += 1;
      } else if (resumeToken >= 0) {
        resumeAt += 1;
        [token, at] = [resumeToken + 1, resumeAt];
      } else return false;
    }
    while (tokens[token] === MANY) token += 1;
    return token === tokens.length;
  }
}

/** Bytes that are not UTF-8 become characters that no text has, one each. */
const BEYOND_TEXT = 0xdc00;

/** The characters of a name. Bytes that are not UTF-8 are characters, too: wildcards fit them. */
export function charactersOf(name: Uint8Array): readonly number[] {
  if (isUtf8(name)) return codePoints(Buffer.from(name.buffer, name.byteOffset, name.length).toString());
  return Array.from(name, (byte) => (byte < 0x80 ? byte : BEYOND_TEXT + byte));
}

function codePoints(text: string): readonly number[] {
  return Array.from(text, (character) => character.codePointAt(0) as number);
}

const [STAR, QUESTION, OPEN, CLOSE, BACKSLASH, DASH] = codePoints('*?[]\\-');
const NEGATIONS = codePoints('!^');

function tokensOf(text: readonly number[]): readonly (number | CharacterSet)[] {
  const tokens: (number | CharacterSet)[] = [];
  for (let at = 0; at < text.length; at++) {
    const now = text[at] as number;
    const set = now === OPEN ? readSet(text, at + 1) : undefined;
    if (set) {
      tokens.push(set.characters);
      at = set.end;
    } else if (now === BACKSLASH && at + 1 < text.length) tokens.push(text[++at] as number);
    else if (now !== STAR) tokens.push(now === QUESTION ? ANY : now);
    else if (tokens.at(-1) !== MANY) tokens.push(MANY);
  }
  return tokens;
}

/** @returns `undefined` if the bracket is never closed: then it is a character like others */
function readSet(text: readonly number[], start: number) {
  const isNegated = NEGATIONS.includes(text[start] as number);
  const ranges: [number, number][] = [];
  for (let at = isNegated ? start + 1 : start; at < text.length; at++) {
    if (text[at] === CLOSE && ranges.length > 0) return { characters: { isNegated, ranges }, end: at };
    if (text[at] === BACKSLASH) at += 1;
    const first = text[at] as number;
    const isRange = text[at + 1] === DASH && at + 2 < text.length && text[at + 2] !== CLOSE;
    if (isRange) at += text[at + 2] === BACKSLASH ? 3 : 2;
    ranges.push([first, text[at] as number]);
  }
  return undefined;
}

function isFitting(token: number | CharacterSet, character: number): boolean {
  if (typeof token === 'number') return token === ANY || token === character;
  return token.ranges.some(([first, last]) => first <= character && character <= last) !== token.isNegated;
}
