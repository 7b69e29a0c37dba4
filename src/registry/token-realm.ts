import type { Challenge } from '../base/http/challenge.js';
import { bareHost } from '../base/http/proxy.js';
import { printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';

/** Where a registry's tokens are got. */
export interface TokenRealm {
  readonly url: URL;
  /** The registry named it by plain HTTP, and it is asked by TLS. */
  readonly isUpgraded: boolean;
}

/**
 * The place for tokens that a challenge names. A registry behind a server that speaks TLS for it often names its own host
 * by plain HTTP: that is asked by TLS. Any other place without TLS is refused, when the registry has it.
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
