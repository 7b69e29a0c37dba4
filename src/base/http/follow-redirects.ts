import { printable } from '../text/printable.js';
import type { HttpClient, HttpReply } from './http-client.js';
import { HttpFailure } from './http-failure.js';
import { bareHost, isLoopback } from './proxy.js';

const MAX_REDIRECTS = 10;

export interface RedirectOptions {
  /** Whether redirects from TLS to plain HTTP are allowed. */
  readonly isInsecure: boolean;
  /** Authorization header for another origin that has asked for one before. Default: none. */
  readonly headerAt?: (url: URL) => Promise<string | undefined>;
}

/** The response after all redirects. */
export interface Followed {
  readonly reply: HttpReply;
  /** The authorization header sent with that request. */
  readonly shown: string | undefined;
}

/**
 * Sends a request and follows redirects. The given `authorization` goes only to the original host and port, and not
 * even there once a redirect has left it and come back. Redirects from TLS to plain HTTP are refused.
 *
 * @throws HttpFailure, DIMGX_ABORTED
 */
export async function followRedirects(
  http: HttpClient,
  from: URL,
  headers: Readonly<Record<string, string>>,
  { isInsecure, headerAt }: RedirectOptions,
): Promise<Followed> {
  let url = from;
  let hasLeft = false;
  const others = withoutCredentials(headers);
  let shown = headers.authorization;
  for (let count = 0; count <= MAX_REDIRECTS; count++) {
    const reply = await http.send(url, {
      headers: { ...others, ...(shown !== undefined && { authorization: shown }) },
    });
    const [location] = reply.headers('location');
    if (![301, 302, 303, 307, 308].includes(reply.status) || location === undefined) return { reply, shown };
    reply.body.destroy();
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (!next || !isAllowed(next, url, isInsecure)) throw redirectRefused(url, location);
    hasLeft ||= next.origin !== from.origin;
    if (hasLeft) shown = next.origin === from.origin ? undefined : await headerAt?.(next);
    url = next;
  }
  throw new HttpFailure('refused', `it leads from one place to the next, more than ${MAX_REDIRECTS} times`);
}

function isAllowed(next: URL, { protocol, hostname }: URL, isInsecure: boolean): boolean {
  if (next.username !== '' || next.password !== '') return false;
  if (next.protocol === 'https:') return true;
  const stays = protocol === 'http:' || isInsecure || isLoopback(bareHost(hostname));
  return next.protocol === 'http:' && stays;
}

function withoutCredentials({ authorization: _, ...others }: Readonly<Record<string, string>>) {
  return others;
}

export function redirectRefused({ host }: URL, location: string): HttpFailure {
  // query and fragment of such URLs often serve as a password
  const place = printable(location.replace(/[?#].*$/s, ''), 200);
  return new HttpFailure('refused', `${printable(host, 200)} leads to "${place}", which is refused`);
}
