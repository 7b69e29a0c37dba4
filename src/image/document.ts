import * as v from 'valibot';
import { DimgxError } from '../errors.js';
import { printable } from './printable.js';

/**
 * Reads a JSON document of an image and checks its shape. Unknown keys are kept out of the result.
 *
 * @param what the document's name, printable, for the message
 * @throws DIMGX_IMAGE_BAD_JSON
 */
export function parseDocument<const Schema extends v.GenericSchema>(
  bytes: Uint8Array,
  schema: Schema,
  what: string,
): v.InferOutput<Schema> {
  return checkShape(parseJson(bytes, what), schema, what);
}

/** @throws DIMGX_IMAGE_BAD_JSON */
export function checkShape<const Schema extends v.GenericSchema>(
  value: unknown,
  schema: Schema,
  what: string,
): v.InferOutput<Schema> {
  // Valibot lets a list pass for an object.
  const isList = schema.type === 'object' && Array.isArray(value);
  const parsed = v.safeParse(schema, isList ? undefined : value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const place = v.getDotPath(issue);
  const where = place === null ? '' : ` at ${printable(place, 100)}`;
  throw new DimgxError(
    'DIMGX_IMAGE_BAD_JSON',
    `${what} is not of the right shape${where}: ${printable(issue.message, 160)}`,
  );
}

/** @throws DIMGX_IMAGE_BAD_JSON */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const isEncoding = cause instanceof TypeError;
    const reason = isEncoding ? 'its text is not UTF-8' : printable(String(cause), 160);
    throw new DimgxError('DIMGX_IMAGE_BAD_JSON', `${what} is not JSON: ${reason}`, { cause });
  }
}
