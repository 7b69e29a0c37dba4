import { isUtf8 } from 'node:buffer';
import * as v from 'valibot';
import { DimgxError } from '../errors.js';
import { checkShape, parseJson } from './document.js';

/** Wraps the schema of a field. If the field is malformed, it either counts as `instead` or fails the document. */
export type Tolerance = <Schema extends v.GenericSchema>(schema: Schema, instead: v.InferOutput<Schema>) => Schema;

/** For reading: a malformed field counts as `instead`. */
export const tolerant: Tolerance = (schema, instead) =>
  v.fallback(schema, instead as v.Fallback<typeof schema>) as unknown as typeof schema;

/** For finding out what was ignored: a malformed field fails the document. */
export const strict: Tolerance = (schema) => schema;

/** Two schemas of a document: `read` tolerates malformed fields, `sound` does not. */
export interface TolerantSchema<Schema extends v.GenericSchema> {
  readonly read: Schema;
  readonly sound: Schema;
}

export function tolerantSchema<Schema extends v.GenericSchema>(
  make: (tolerance: Tolerance) => Schema,
): TolerantSchema<Schema> {
  return { read: make(tolerant), sound: make(strict) };
}

/** A parsed document. `oddity` is a printable description of what is malformed and was ignored. */
export interface Tolerated<Value> {
  readonly value: Value;
  /** The whole document, unchanged. */
  readonly document: unknown;
  readonly oddity?: string;
}

/**
 * Parses a document and tolerates the malformed fields that its schema allows.
 *
 * @param what printable name of the document
 * @throws DIMGX_IMAGE_BAD_JSON
 */
export function parseTolerantly<Schema extends v.GenericSchema>(
  bytes: Uint8Array,
  { read, sound }: TolerantSchema<Schema>,
  what: string,
): Tolerated<v.InferOutput<Schema>> {
  const document = parseJson(bytes, what);
  const value = checkShape(document, read, what);
  const oddity = isUtf8(bytes) ? shapeOddity(document, sound, what) : notUtf8(what);
  return { value, document, ...(oddity && { oddity }) };
}

function notUtf8(what: string): string {
  return `the text of ${what} is not UTF-8: the invalid bytes are replaced`;
}

function shapeOddity(document: unknown, sound: v.GenericSchema, what: string): string | undefined {
  try {
    checkShape(document, sound, what);
    return undefined;
  } catch (failure) {
    if (failure instanceof DimgxError) return `${failure.message}: it is left out`;
    throw failure;
  }
}
