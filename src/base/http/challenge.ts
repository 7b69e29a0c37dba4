/** An authentication challenge. Source: RFC 9110, section 11.6.1. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Keyed by name, in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~\w-]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
/** An unquoted value. Some servers also write URLs this way, although a token may not contain `:` or `/`. */
const UNQUOTED = /[^\s,"]+/y;
/** A value in place of parameters, such as the data of `Negotiate`. */
const TOKEN68 = /[ \t]+[\w.~+/-]+=*[ \t]*(?=,|$)/y;
const BLANKS = /[ \t]*/y;

/**
 * Parses the challenges of `WWW-Authenticate` headers; one header may hold several. The rest of a header after
 * malformed text is ignored.
 */
export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  return headers.flatMap((header) => new ChallengeReader(header).read());
}

class ChallengeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): readonly Challenge[] {
    const challenges: { readonly scheme: string; readonly parameters: Map<string, string> }[] = [];
    for (;;) {
      while (this.#take(BLANKS) !== '' || this.#takeCharacter(',')) {}
      const name = this.#take(TOKEN);
      if (name === undefined) return challenges;
      const current = challenges.at(-1);
      const value = current && this.#takeValue();
      if (current && value !== undefined) current.parameters.set(name.toLowerCase(), value);
      else if (this.#isSchemeEnd()) {
        challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
        this.#take(TOKEN68);
      } else return challenges;
    }
  }

  /**
   * Reads the value after a parameter name. @returns `undefined` if it was not a parameter name; nothing is consumed
   * then
   */
  #takeValue(): string | undefined {
    const before = this.#at;
    this.#take(BLANKS);
    if (this.#takeCharacter('=')) {
      this.#take(BLANKS);
      const quoted = this.#take(QUOTED);
      if (quoted !== undefined) return quoted.slice(1, -1).replace(/\\(.)/gs, '$1');
      const unquoted = this.#take(UNQUOTED);
      if (unquoted !== undefined) return unquoted;
    }
    this.#at = before;
    return undefined;
  }

  #isSchemeEnd(): boolean {
    const next = this.#text[this.#at];
    return next === undefined || next === ' ' || next === '\t' || next === ',';
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #takeCharacter(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }
}
