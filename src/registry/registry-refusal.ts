import { printable } from '../base/text/printable.js';
import { refusalWords } from './refusal-words.js';

/** Maximum length of the server's words in a message, in characters. */
const MAX_WORDS = 300;

export interface RefusalFacts {
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
    if (!this.isDenial) return `${host} answers no token (${said})`;
    return `${host} ${this.isShown ? 'does not accept the credentials' : 'gives no token to everybody'} (${said})`;
  }
}
