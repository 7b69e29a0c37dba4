import { bareHost } from '../base/http/connections.js';
import type { Challenge } from '../base/http/headers.js';
import { printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';

/** The server that issues a registry's tokens. */
export interface TokenRealm {
  readonly url: URL;
  /** The registry gave it as plain HTTP, and it is requested over TLS. */
  readonly isUpgraded: boolean;
}

/**
 * The token server that a challenge names. A registry behind a TLS-terminating proxy often gives its own host as plain
 * HTTP; that is requested over TLS. If the registry uses TLS, any other realm without TLS is refused.
 *
 * @throws DIMGX_SOURCE_REGISTRY_FAILED, DIMGX_SOURCE_REGISTRY_DENIED
 */
export function tokenRealm({ parameters }: Challenge, registry: URL): TokenRealm {
  const text = parameters.get('realm') ?? '';
  const realm = URL.canParse(text) ? new URL(text) : undefined;
  if (!realm || !/^https?:$/.test(realm.protocol) || realm.username !== '' || realm.password !== '') {
    const message = `${registry.host} names no place to get tokens from: ${printable(text, 200)}`;
    throw new DimgxError('DIMGX_SOURCE_REGISTRY_FAILED', message);
  }
  if (registry.protocol !== 'https:' || realm.protocol === 'https:') return { url: realm, isUpgraded: false };
  if (bareHost(realm.hostname) !== bareHost(registry.hostname)) throw plainRefused(registry, realm);
  const url = new URL(realm);
  url.protocol = 'https:';
  return { url, isUpgraded: true };
}

export function plainRefused(registry: URL, realm: URL, cause?: unknown): DimgxError {
  const place = printable(realm.host, 200);
  const message = `${registry.host} wants tokens to be got from ${place} by plain HTTP, which is refused`;
  return new DimgxError('DIMGX_SOURCE_REGISTRY_DENIED', message, { cause });
}
