import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { DimgxError } from '../errors.js';
import { MAX_DOCUMENT } from '../image/limits.js';
import { printable } from '../image/printable.js';

/**
 * Reads a JSON document of the user's that may hold secrets: no error tells anything of what is in it, as those of
 * `JSON.parse` do. A file without text, or with `null`, is an empty document, as to docker.
 *
 * @throws what the operating system says; DIMGX_IMAGE_BAD_JSON, DIMGX_IMAGE_TOO_LARGE
 */
export async function readPrivateDocument(path: string): Promise<unknown> {
  // a FIFO that nobody writes to would be waited for
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const about = await file.stat();
    if (!about.isFile()) throw badDocument(`${printable(path, 300)} is no regular file`);
    if (about.size > MAX_DOCUMENT) {
      throw new DimgxError('DIMGX_IMAGE_TOO_LARGE', `${printable(path, 300)} is larger than ${MAX_DOCUMENT} bytes`);
    }
    const document = parsePrivate((await file.readFile('utf8')).trim() || '{}');
    if (document === undefined) throw badDocument(`${printable(path, 300)} is not JSON`);
    return document ?? {};
  } finally {
    await file.close();
  }
}

/** @returns `undefined` for what is no JSON */
export function parsePrivate(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function badDocument(message: string): DimgxError {
  return new DimgxError('DIMGX_IMAGE_BAD_JSON', message);
}
