import { basicHeader } from '../base/http/basic-header.js';
import type { Credentials } from './credentials/credentials.js';

/** Leaves secrets out of a text. */
export type Redact = (text: string) => string;

/** The secrets among credentials, and what headers make of them. */
export function secretsOf({ username, password, identityToken, registryToken }: Credentials): readonly string[] {
  const pair = username === '' ? '' : basicHeader(username, password).replace(/^\w+ /, '');
  return [password, identityToken, registryToken, pair];
}

/** Servers may echo what they were shown, in JSON, in an address, or without the padding of Base64. */
export function redactor(secrets: readonly string[]): Redact {
  const forms = secrets.flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(Buffer.from(secret).toString()),
    new URLSearchParams([['', secret]]).toString().slice(1),
    secret.replace(/=+$/, ''),
  ]);
  // one may lie in another, of which the rest would be left
  const longestFirst = [...new Set(forms)].filter((form) => form !== '').sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((rest, form) => rest.replaceAll(form, '***'), text);
}
