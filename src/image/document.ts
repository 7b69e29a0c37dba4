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
  const parsed = v.safeParse(schema, isList ? undefined : foldKeys(value, schema), { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const place = v.getDotPath(issue);
  const where = place === null ? '' : ` at ${printable(place, 100)}`;
  throw new DimgxError(
    'DIMGX_IMAGE_BAD_JSON',
    `${what} is not of the right shape${where}: ${printable(issue.message, 160)}`,
  );
}

/**
 * Reads JSON as Go's decoder does: bytes that are not UTF-8 become replacement characters.
 *
 * @throws DIMGX_IMAGE_BAD_JSON
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    const reason = printable(String(cause), 160);
    throw new DimgxError('DIMGX_IMAGE_BAD_JSON', `${what} is not JSON: ${reason}`, { cause });
  }
}

/** What the schemas of objects, lists and of what may be null have in common. */
interface ShapeSchema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, ShapeSchema>>;
  readonly item?: ShapeSchema;
  readonly wrapped?: ShapeSchema;
  readonly value?: ShapeSchema;
}

/** Gives the keys of objects the letter case of the schema: Go's decoder matches them in any. The last one counts. */
function foldKeys(value: unknown, schema: v.GenericSchema): unknown {
  return folded(value, schema as unknown as ShapeSchema);
}

function folded(value: unknown, { type, entries, item, wrapped, value: each }: ShapeSchema): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (wrapped) return folded(value, wrapped);
  if (Array.isArray(value)) return item ? value.map((element) => folded(element, item)) : value;
  if (type === 'record' && each) {
    return Object.fromEntries(Object.entries(value).map(([key, found]) => [key, folded(found, each)]));
  }
  if (!entries) return value;
  const names = new Map(Object.keys(entries).map((name) => [name.toLowerCase(), name]));
  const result: Record<string, unknown> = {};
  for (const [key, found] of Object.entries(value)) {
    const name = Object.hasOwn(entries, key) ? key : names.get(key.toLowerCase());
    if (name === undefined || (found === null && result[name] !== undefined)) continue;
    result[name] = folded(found, entries[name] as ShapeSchema);
  }
  return result;
}
