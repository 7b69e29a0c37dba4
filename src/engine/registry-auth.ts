import type { Credentials } from '../registry/credentials/credentials.js';

/**
 * Credentials as engines take them along with a request, as the value of a header.
 *
 * @param server the registry's name in docker's configuration
 */
export function registryAuth(server: string, credentials: Credentials): string {
  const { username, password, identityToken, registryToken } = credentials;
  const document = {
    serveraddress: server,
    ...(username && { username, password }),
    ...(identityToken && { identitytoken: identityToken }),
    ...(registryToken && { registrytoken: registryToken }),
  };
  // of the alphabet for URLs, but padded: what Go reads
  return Buffer.from(JSON.stringify(document)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}
