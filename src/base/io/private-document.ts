import { DimgxError } from '../../errors.js';
import { printable } from '../text/printable.js';
import { readRegularFile } from './regular-file.js';

/**
 * Reads a user's JSON document that may hold secrets. Unlike those of `JSON.parse`, its errors reveal nothing of the
 * contents. As in docker, an empty file or `null` is an empty document.
 *
 * @throws the operating system's errors; DIMGX_IMAGE_BAD_JSON, DIMGX_IMAGE_TOO_LARGE, DIMGX_SOURCE_BAD_MEMBER
 */
export async function readPrivateDocument(path: string): Promise<unknown> {
  const text = await readPrivateText(path);
  const document = parsePrivate(text.trim() || '{}');
  if (document === undefined) throw new DimgxError('DIMGX_IMAGE_BAD_JSON', `${printable(path, 300)} is not JSON`);
  return document ?? {};
}

/** @throws as `readPrivateDocument`, except for errors about the contents */
export async function readPrivateText(path: string): Promise<string> {
  return (await readRegularFile(path)).toString();
}

/** @returns `undefined` if it is not JSON */
export function parsePrivate(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
