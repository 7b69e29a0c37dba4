import { DimgxError } from '../../errors.js';
import { printable } from '../text/printable.js';
import { readRegularFile } from './regular-file.js';

/**
 * Reads a JSON document of the user's that may hold secrets: no error tells anything of what is in it, as those of
 * `JSON.parse` do. A file without text, or with `null`, is an empty document, as to docker.
 *
 * @throws what the operating system says; DIMGX_IMAGE_BAD_JSON, DIMGX_IMAGE_TOO_LARGE, DIMGX_SOURCE_BAD_MEMBER
 */
export async function readPrivateDocument(path: string): Promise<unknown> {
  const text = await readPrivateText(path);
  const document = parsePrivate(text.trim() || '{}');
  if (document === undefined) throw new DimgxError('DIMGX_IMAGE_BAD_JSON', `${printable(path, 300)} is not JSON`);
  return document ?? {};
}

/** @throws as `readPrivateDocument`, but for what is in the file */
export async function readPrivateText(path: string): Promise<string> {
  return (await readRegularFile(path)).toString();
}

/** @returns `undefined` for what is no JSON */
export function parsePrivate(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
