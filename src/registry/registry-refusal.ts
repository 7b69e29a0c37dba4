import { isObject, tryParseJson } from '../base/text/go-json.js';
import { printable } from '../base/text/printable.js';

/** Maximum length of the server's words in a message, in characters. */
const MAX_WORDS = 300;

interface RefusalFacts {
  readonly status: number;
  /** Where the answer came from. */
  readonly url: URL;
  /** The beginning of the answer. */
  readonly body: string;
  /** How long the server wants no further request, in milliseconds. */
  readonly retryAfter?: number | undefined;
}

/**
 * A server refused a request. Its own words may echo secrets, so they are not in this error's message; only `said`
 * returns them.
 */
export class Refusal extends Error {
  readonly status: number;
  readonly url: URL;
  /** A URL in the registry whose credentials the refusal is about. */
  readonly registry: URL;
  /** In milliseconds. */
  readonly retryAfter: number | undefined;
  readonly #body: string;

  constructor({ status, url, body, retryAfter }: RefusalFacts, registry = url) {
    super(`HTTP ${status}`);
    this.status = status;
    this.url = url;
    this.registry = registry;
    this.retryAfter = retryAfter;
    this.#body = body;
  }

  /** Whether a retry may succeed. */
  get isPassing(): boolean {
    return [408, 425, 429, 500, 502, 503, 504].includes(this.status);
  }

  /** Whether the server demands authentication, or denies access. */
  get isDenial(): boolean {
    return this.status === 401 || this.status === 403;
  }

  /**
   * The status and the server's words, printable.
   *
   * @param redact removes secrets from a text
   */
  said(redact: (text: string) => string): string {
    // a secret may be escaped in the body and plain in the words
    const words = redact(refusalWords(redact(this.#body)))
      .replace(/\s+/g, ' ')
      .trim();
    return words === '' ? this.message : `${this.message}, ${printable(words, MAX_WORDS)}`;
  }
}

/** A registry refused a request. Source: OCI distribution-spec, error codes. */
export class RegistryRefusal extends Refusal {}

/** A token server refused a token. */
export class TokenRefusal extends Refusal {
  /** Whether credentials were sent to it. */
  readonly isShown: boolean;

  /** @param registry the registry that named the token server */
  constructor(facts: RefusalFacts, registry: URL, isShown: boolean) {
    super(facts, registry);
    this.isShown = isShown;
  }

  /** Whether asking for another scope is pointless. */
  get isFinal(): boolean {
    return this.isPassing || this.status < 400 || this.status >= 500;
  }

  override said(redact: (text: string) => string): string {
    const host = printable(this.url.host, 200);
    const said = super.said(redact);
    if (!this.isDenial) return `${host} returned no token (${said})`;
    return `${host} ${this.isShown ? 'does not accept the credentials' : 'gives no token without credentials'} (${said})`;
  }
}

/** Maximum number of errors read from a list, and maximum nesting depth. */
const MOST = 5;

/** Maximum length of markup that is searched, in characters. */
const MAX_MARKUP = 2 ** 14;

/**
 * The server's own words from the body of a refusal. It reads JSON in the form of registries and in other common forms,
 * XML of object stores, the title of a page, or plain text. The result is as untrusted as the body.
 */
export function refusalWords(body: string): string {
  const text = body.replace(/^\ufeff/, '').trim();
  if (text === '' || looksBinary(text)) return '';
  const document = tryParseJson(text);
  if (document !== undefined) return wordsOf(document);
  return /^<[!?a-z]/i.test(text) ? wordsOfMarkup(text.slice(0, MAX_MARKUP)) : text;
}

/** Source: OCI distribution-spec, error codes; RFC 6749; RFC 9457. */
function wordsOf(value: unknown, depth = 0): string {
  if (typeof value === 'string') return value.trim();
  if (depth > MOST) return '';
  if (Array.isArray(value))
    return joined(
      value.slice(0, MOST).map((each) => wordsOf(each, depth + 1)),
      '; ',
    );
  if (!isObject(value)) return '';
  const fields = new Map(Object.entries(value).map(([key, field]) => [key.toLowerCase(), field]));
  const first = (...names: readonly string[]) =>
    names.map((name) => wordsOf(fields.get(name), depth + 1)).find((words) => words !== '') ?? '';
  const listed = first('errors');
  if (listed !== '') return listed;
  const code = first('code', 'error_code', 'error');
  const message = first('message', 'error_description', 'msg', 'details', 'title', 'reason');
  const detail = first('detail', 'description') || inJson(fields.get('detail'));
  return joined([code, message, detail], ': ');
}

/** An object without any known field may still be informative. */
function inJson(value: unknown): string {
  const isEmpty = typeof value !== 'object' || value === null || Object.keys(value).length === 0;
  return isEmpty ? '' : JSON.stringify(value);
}

function wordsOfMarkup(text: string): string {
  const element = (name: string) => new RegExp(`<${name}\\b[^<>]*>([^<]*)</${name}\\s*>`, 'i').exec(text)?.[1] ?? '';
  const ofStore = joined([element('Code'), element('Message')].map(plainText), ': ');
  const title = plainText(element('title'));
  if (ofStore !== '' && !/^<!doctype html|<html/i.test(text)) return ofStore;
  return title === ''
    ? plainText(text.replace(/<(script|style)\b.*?<\/\1\s*>/gis, ' ').replace(/<[^<>]*>/g, ' '))
    : title;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

function plainText(text: string): string {
  return text.replace(/&(#?\w{2,7});/g, (entity, name) => ENTITIES[name] ?? numberedCharacter(name) ?? entity).trim();
}

/** @param name such as `#39` or `#x27` */
function numberedCharacter(name: string): string | undefined {
  const [, hex, decimal] = /^#(?:x([\da-f]+)|(\d+))$/i.exec(name) ?? [];
  const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  return point <= 0x10ffff ? String.fromCodePoint(point) : undefined;
}

function joined(parts: readonly string[], separator: string): string {
  const said = parts.filter((part, i) => part !== '' && !parts.slice(0, i).some((other) => other === part));
  return said.join(separator);
}

/** A few characters that are not UTF-8 leave a text readable; a zero byte or many such characters do not. */
function looksBinary(text: string): boolean {
  const start = text.slice(0, 1000);
  return start.includes('\0') || start.split('\ufffd').length - 1 > start.length / 8;
}
