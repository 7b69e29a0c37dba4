import { validateHeaderName, validateHeaderValue } from 'node:http';
import { join } from 'node:path';
import * as v from 'valibot';
import { configFolder } from '../base/io/folders.js';
import { readPrivateDocument } from '../base/io/regular-file.js';
import { goFields } from '../base/text/go-json.js';
import { printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';

const Schema = v.object({ HttpHeaders: v.nullish(v.record(v.string(), v.string()), {}) });

/** Headers that belong to the connection. Docker leaves them out too. */
const RESERVED = /^(?:host|connection|content-length|transfer-encoding|trailer|upgrade)$/i;

/**
 * The headers that docker's configuration adds to every request to an engine (`HttpHeaders`). There are none if the
 * configuration cannot be read; where that matters, `currentContext` has already reported it.
 *
 * @throws DIMGX_SOURCE_NO_ENGINE for headers that HTTP does not allow; the error does not reveal their values
 */
export async function configuredHeaders(
  env: Readonly<Record<string, string | undefined>>,
): Promise<Readonly<Record<string, string>>> {
  const path = join(configFolder(env), 'config.json');
  const document = await readPrivateDocument(path).catch(() => ({}));
  try {
    const headers = Object.entries(v.parse(Schema, goFields(document, ['HttpHeaders'])).HttpHeaders).filter(
      ([name]) => !RESERVED.test(name),
    );
    for (const [name, value] of headers) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
    return Object.fromEntries(headers);
  } catch {
    const message = `the HttpHeaders of ${printable(path, 300)} cannot be sent: they must be names and texts of HTTP`;
    throw new DimgxError('DIMGX_SOURCE_NO_ENGINE', `${message}: repair or remove them`);
  }
}
