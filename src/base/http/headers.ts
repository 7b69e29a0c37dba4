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

/** The value of an `authorization` header for a user. Source: RFC 7617. */
export function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Byte range of a response, and the total size. */
interface ContentRange {
  readonly first: number;
  readonly last: number;
  /** `undefined` if the server does not know. */
  readonly total: number | undefined;
}

/** Parses `bytes 5-9/10`. Source: RFC 9110, section 14.4. @returns `undefined` if malformed */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || Number(last) < Number(first)) return undefined;
  if (total !== '*' && Number(total) <= Number(last)) return undefined;
  return { first: Number(first), last: Number(last), total: total === '*' ? undefined : Number(total) };
}

interface Link {
  readonly target: string;
  /** In lower case; `undefined` if the link has none. */
  readonly relations: readonly string[] | undefined;
}

/**
 * Finds the next page of a list in `Link` headers. Source: RFC 8288, section 3. Registries also send links without
 * brackets, or without a relation. As in containers/image, a link without a relation counts if no link is `next`.
 *
 * @returns `undefined` if there is none; empty if there is one without a target
 */
export function nextLink(headers: readonly string[]): string | undefined {
  const parts = headers.flatMap((header) => splitOutside(header, ','));
  const links = parts.filter((part) => part.trim() !== '').map(parseLink);
  const next = links.find(({ relations }) => relations?.includes('next'));
  return (next ?? links.find(({ relations }) => relations === undefined))?.target;
}

function parseLink(text: string): Link {
  const [target = '', ...parameters] = splitOutside(text, ';');
  const values = parameters.flatMap((each) => /^\s*rel\s*=(.*)$/is.exec(each)?.[1] ?? []);
  const [names = ''] = values.map((value) => value.replace(/["']/g, '').trim().toLowerCase());
  return { target: target.replace(/[<>]/g, '').trim(), relations: names === '' ? undefined : names.split(/\s+/) };
}

/** Splits at separators outside brackets and quotes. A bracket or quote that is never closed does not count. */
function splitOutside(text: string, separator: string): readonly string[] {
  const last = { '<': text.lastIndexOf('>'), '"': text.lastIndexOf('"') };
  const parts: string[] = [];
  let begin = 0;
  let close = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (close === '"' && character === '\\') at += 1;
    else if (close !== '') close = character === close ? '' : close;
    else if (character === '<' && at < last['<']) close = '>';
    else if (character === '"' && at < last['"']) close = '"';
    else if (character === separator) {
      parts.push(text.slice(begin, at));
      begin = at + 1;
    }
  }
  return [...parts, text.slice(begin)];
}
