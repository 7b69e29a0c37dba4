import { printable } from '../../image/printable.js';
import type { HttpClient, HttpReply } from './http-client.js';
import { HttpFailure } from './http-failure.js';
import { bareHost, isLoopback } from './proxy.js';

const MAX_REDIRECTS = 10;

/**
 * Asks, and asks again where the server leads to. What shows who asks goes to the first host and port alone, and nowhere
 * else even when a further redirect leads back. From TLS none leads to plain HTTP.
 *
 * @param isInsecure whether it may
 * @throws HttpFailure, DIMGX_ABORTED
 */
export async function followRedirects(
  http: HttpClient,
  from: URL,
  headers: Readonly<Record<string, string>>,
  isInsecure: boolean,
): Promise<HttpReply> {
  let url = from;
  let shown = headers;
  for (let count = 0; count <= MAX_REDIRECTS; count++) {
    const reply = await http.send(url, { headers: shown });
    const [location] = reply.headers('location');
    if (![301, 302, 303, 307, 308].includes(reply.status) || location === undefined) return reply;
    reply.body.destroy();
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (!next || !isAllowed(next, url, isInsecure)) throw refused(url, location);
    if (next.origin !== from.origin) shown = withoutCredentials(shown);
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

function refused({ host }: URL, location: string): HttpFailure {
  // query and fragment of such addresses are often as good as a password
  const place = printable(location.replace(/[?#].*$/s, ''), 200);
  return new HttpFailure('refused', `${printable(host, 200)} leads to "${place}", which is refused`);
}
