import { createSecureContext, rootCertificates, type SecureContext, type SecureContextOptions } from 'node:tls';
import { DimgxError, type Warn } from '../../errors.js';
import type { Environment } from '../io/folders.js';
import { printable } from '../text/printable.js';
import {
  type HostCertificates,
  hostCertificates,
  namedAuthorities,
  namedCertificates,
  readAuthorities,
  systemAuthorities,
} from './certificates.js';

export interface TlsSettings {
  readonly env: Environment;
  /** PEM file of certificate authorities to trust in addition to the usual ones. */
  readonly caFile?: string | undefined;
  /** A folder laid out like those in `certs.d`. */
  readonly certDir?: string | undefined;
  /** Whether to present the client certificate of `certDir` to a host. Default: never. */
  readonly isOwn?: (host: string) => boolean;
  /** How users spell a host, apart from the spelling in its URL. */
  readonly spellings?: (host: string) => readonly string[];
  readonly warn?: Warn;
}

/** TLS contexts for connections, by host. Certificate files are read when the first connection needs them. */
export class TlsContexts {
  readonly #settings: TlsSettings;
  #common: Promise<readonly string[]> | undefined;
  #system: Promise<readonly string[]> | undefined;
  #given: Promise<HostCertificates> | undefined;
  readonly #own = new Map<string, Promise<HostCertificates>>();

  constructor(settings: TlsSettings) {
    this.#settings = settings;
  }

  /**
   * Returns a context that trusts Node's authorities and those of `--ca-file`, `--cert-dir`, `certs.d` and the
   * environment.
   *
   * @param trustsSystem whether to also trust the system's authorities, which take longer to read
   * @throws DIMGX_REGISTRY_TLS if a certificate cannot be read
   */
  async context({ host, hostname, port }: URL, trustsSystem: boolean): Promise<SecureContext> {
    const { env, caFile, certDir, isOwn, spellings, warn = () => undefined } = this.#settings;
    const number = port || '443';
    const names = new Set([
      ...(spellings?.(host) ?? []),
      host,
      `${hostname}:${number}`,
      ...(number === '443' ? [hostname] : []),
    ]);
    const reading = this.#own.get(host) ?? hostCertificates([...names], env, warn);
    this.#own.set(host, reading);
    const own = await reading;
    this.#common ??= commonAuthorities(caFile, env);
    if (certDir !== undefined) this.#given ??= namedCertificates(certDir, warn);
    if (trustsSystem) this.#system ??= systemAuthorities();
    const given = await this.#given;
    const more = [await this.#common, given?.authorities ?? [], own.authorities, (await this.#system) ?? []];
    return contextOf(more.flat(), (isOwn?.(host) ? given?.client : undefined) ?? own.client);
  }
}

async function commonAuthorities(caFile: string | undefined, env: Environment): Promise<readonly string[]> {
  return [...(caFile === undefined ? [] : await readAuthorities(caFile)), ...(await namedAuthorities(env))];
}

/**
 * Adds authorities to those that Node trusts by default. Passing them as `ca` would replace the defaults, and take much
 * longer. A certificate of the server itself is accepted as well, as in Go.
 */
function contextOf(authorities: readonly string[], client: HostCertificates['client']): SecureContext {
  const options: SecureContextOptions & { allowPartialTrustChain: boolean } = {
    allowPartialTrustChain: authorities.length > 0,
    ...client,
  };
  try {
    const context = createSecureContext(options);
    const known = new Set(authorities.length > 0 ? rootCertificates : []);
    for (const each of new Set(authorities)) if (!known.has(each)) context.context.addCACert(each);
    return context;
  } catch (cause) {
    const message = `the certificates for the registry cannot be used: ${printable((cause as Error).message, 200)}`;
    throw new DimgxError('DIMGX_REGISTRY_TLS', message, { cause });
  }
}
