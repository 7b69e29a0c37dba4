import { printable } from '../base/text/printable.js';
import { refusalWords } from './refusal-words.js';

/** Of a server's words in a message, in characters. */
const MAX_WORDS = 300;

export interface RefusalFacts {
  readonly status: number;
  /** Where the answer came from. */
  readonly url: URL;
  /** The beginning of the answer. */
  readonly body: string;
  /** Before which the server does not want to be asked again, in milliseconds. */
  readonly retryAfter?: number | undefined;
}

/**
 * A server does not do what it was asked for. Its own words may repeat what it was shown: they are in no message of this
 * error, and to be had by `said` alone.
 */
export class Refusal extends Error {
  readonly status: number;
  readonly url: URL;
  /** Whose credentials it is about: an address there. */
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

  /** Whether it may go well the next time. */
  get isPassing(): boolean {
    return [408, 425, 429, 500, 502, 503, 504].includes(this.status);
  }

  /** Whether the server wants to know who asks, or does not let them in. */
  get isDenial(): boolean {
    return this.status === 401 || this.status === 403;
  }

  /**
   * The status and the server's words, printable.
   *
   * @param redact leaves secrets out of a text
   */
  said(redact: (text: string) => string): string {
    // secrets may stand escaped in the body, and plainly in the words
    const words = redact(refusalWords(redact(this.#body)))
      .replace(/\s+/g, ' ')
      .trim();
    return words === '' ? this.message : `${this.message}, ${printable(words, MAX_WORDS)}`;
  }
}

/** What a registry says when it does not do what it was asked for. Source: OCI distribution-spec, error codes. */
export class RegistryRefusal extends Refusal {}

/** A server for tokens gives none. */
export class TokenRefusal extends Refusal {
  /** Whether it was shown credentials. */
  readonly isShown: boolean;

  /** @param registry that names the server */
  constructor(facts: RefusalFacts, registry: URL, isShown: boolean) {
    super(facts, registry);
    this.isShown = isShown;
  }

  /** Whether it may give a token for another scope. */
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
