import { basicHeader } from '../base/http/headers.js';
import type { Credentials } from './credentials/credentials.js';

/** Removes secrets from a text. */
export type Redact = (text: string) => string;

/** The secrets in credentials, including the Basic header made from them. */
export function secretsOf({ username, password, identityToken, registryToken }: Credentials): readonly string[] {
  const pair = username === '' ? '' : basicHeader(username, password).replace(/^\w+ /, '');
  return [password, identityToken, registryToken, pair];
}

/** Servers may echo a secret as JSON, in a URL, or without Base64 padding, so those forms are removed too. */
export function redactor(secrets: readonly string[]): Redact {
  const forms = secrets.flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(Buffer.from(secret).toString()),
    new URLSearchParams([['', secret]]).toString().slice(1),
    secret.replace(/=+$/, ''),
  ]);
  // replace the longest first: a secret may contain another, and its remainder would be left
  const longestFirst = [...new Set(forms)].filter((form) => form !== '').sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((rest, form) => rest.replaceAll(form, '***'), text);
}
