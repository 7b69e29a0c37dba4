import { isUtf8 } from 'node:buffer';
import * as v from 'valibot';
import { DimgxError } from '../errors.js';
import { checkShape, parseJson } from './document.js';

/** Says what a field counts as when it is malformed, or refuses the document then. */
export type Tolerance = <Schema extends v.GenericSchema>(schema: Schema, instead: v.InferOutput<Schema>) => Schema;

/** For reading: the field is left out. */
export const tolerant: Tolerance = (schema, instead) =>
  v.fallback(schema, instead as v.Fallback<typeof schema>) as unknown as typeof schema;

/** For finding out what was left out. */
export const strict: Tolerance = (schema) => schema;

/** The two schemas of a document: how it is read, and how it should be. */
export interface TolerantSchema<Schema extends v.GenericSchema> {
  readonly read: Schema;
  readonly sound: Schema;
}

export function tolerantSchema<Schema extends v.GenericSchema>(
  make: (tolerance: Tolerance) => Schema,
): TolerantSchema<Schema> {
  return { read: make(tolerant), sound: make(strict) };
}

/** A document that was read, and what is malformed in it without changing what is read; printable. */
export interface Tolerated<Value> {
  readonly value: Value;
  /** All of it, as it stands. */
  readonly document: unknown;
  readonly oddity?: string;
}

/**
 * Reads a document whose fields may be malformed as far as its schema tolerates it.
 *
 * @param what the document's name, printable
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
  return `the text of ${what} is not UTF-8: what is not is replaced`;
}

function shapeOddity(document: unknown, sound: v.GenericSchema, what: string): string | undefined {
  try {
    checkShape(document, sound, what);
    return undefined;
  } catch (failure) {
    if (failure instanceof DimgxError) return `${failure.message}: that is left out`;
    throw failure;
  }
}
