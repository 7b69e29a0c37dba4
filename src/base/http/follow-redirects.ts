import { printable } from '../text/printable.js';
import type { HttpClient, HttpReply } from './http-client.js';
import { HttpFailure } from './http-failure.js';
import { bareHost, isLoopback } from './proxy.js';

const MAX_REDIRECTS = 10;

export interface RedirectOptions {
  /** Whether TLS may lead to plain HTTP. */
  readonly isInsecure: boolean;
  /** What another origin is shown, which has asked before. Default: nothing. */
  readonly headerAt?: (url: URL) => Promise<string | undefined>;
}

/** The answer at the end of all redirects. */
export interface Followed {
  readonly reply: HttpReply;
  /** What showed there who asks. */
  readonly shown: string | undefined;
}

/**
 * Asks, and asks again where the server leads to. What shows who asks goes to the first host and port alone, and nowhere
 * else even when a further redirect leads back. From TLS none leads to plain HTTP.
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
  // query and fragment of such addresses are often as good as a password
  const place = printable(location.replace(/[?#].*$/s, ''), 200);
  return new HttpFailure('refused', `${printable(host, 200)} leads to "${place}", which is refused`);
}
