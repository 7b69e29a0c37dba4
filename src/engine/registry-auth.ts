import type { Credentials } from '../registry/credentials/credentials.js';

/**
 * Encodes credentials as the header value that engines accept with a request.
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
  // URL-safe alphabet, but padded: the encoding that Go reads
  return Buffer.from(JSON.stringify(document)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}
