import * as v from 'valibot';
import { printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';

/**
 * Parses a JSON document of an image and checks its shape. Unknown keys are dropped.
 *
 * @param what printable name of the document, for the message
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
  const parsed = v.safeParse(schema, foldKeys(value, schema), { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const place = v.getDotPath(issue);
  const where = place === null ? '' : ` at ${printable(place, 100)}`;
  throw new DimgxError(
    'DIMGX_IMAGE_BAD_JSON',
    `${what} does not have the required structure${where}: ${printable(issue.message, 160)}`,
  );
}

/**
 * Parses JSON as Go's decoder does: invalid UTF-8 is replaced with U+FFFD.
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

/** Properties shared by Valibot's schemas of objects, lists and nullable values. */
interface ShapeSchema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, ShapeSchema>>;
  readonly item?: ShapeSchema;
  readonly wrapped?: ShapeSchema;
  readonly value?: ShapeSchema;
}

/** Valibot accepts a list where an object is expected. A list is replaced by this string, which fails validation. */
const A_LIST = 'a list';

/** Renames object keys to the letter case of the schema, because Go's decoder ignores case. The last match wins. */
function foldKeys(value: unknown, schema: v.GenericSchema): unknown {
  return folded(value, schema as unknown as ShapeSchema);
}

/** Returns the same object if nothing has to be renamed: a document may hold a million values. */
function folded(value: unknown, { type, entries, item, wrapped, value: each }: ShapeSchema): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (wrapped) return folded(value, wrapped);
  if (Array.isArray(value)) {
    if (type === 'object' || type === 'record') return A_LIST;
    return item ? foldedElements(value, item) : value;
  }
  if (type === 'record' && each) return foldedValues(value, () => each);
  if (!entries) return value;
  const schemaOf = (key: string) => (Object.hasOwn(entries, key) ? entries[key] : undefined);
  return foldedValues(withNames(value, entries), schemaOf);
}

function foldedElements(list: readonly unknown[], schema: ShapeSchema): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (const [i, element] of list.entries()) {
    const found = folded(element, schema);
    if (found === element) continue;
    copy ??= [...list];
    copy[i] = found;
  }
  return copy ?? list;
}

function foldedValues(object: object, schemaOf: (key: string) => ShapeSchema | undefined): object {
  let copy: Map<string, unknown> | undefined;
  for (const [key, value] of Object.entries(object)) {
    const schema = schemaOf(key);
    const found = schema ? folded(value, schema) : value;
    if (found === value) continue;
    copy ??= new Map(Object.entries(object));
    copy.set(key, found);
  }
  return copy ? Object.fromEntries(copy) : object;
}

/** Returns the object itself unless one of its keys matches a schema key in another letter case. */
function withNames(object: object, entries: Readonly<Record<string, ShapeSchema>>): object {
  const isOther = (key: string) => !Object.hasOwn(entries, key) && namesOf(entries).has(key.toLowerCase());
  if (!Object.keys(object).some(isOther)) return object;
  const result = new Map<string, unknown>();
  for (const [key, found] of Object.entries(object)) {
    const name = isOther(key) ? (namesOf(entries).get(key.toLowerCase()) ?? key) : key;
    if (found !== null || result.get(name) === undefined) result.set(name, found);
  }
  return Object.fromEntries(result);
}

const NAMES = new WeakMap<object, ReadonlyMap<string, string>>();

/** A schema's keys by their lower case. */
function namesOf(entries: Readonly<Record<string, ShapeSchema>>): ReadonlyMap<string, string> {
  const names = NAMES.get(entries) ?? new Map(Object.keys(entries).map((name) => [name.toLowerCase(), name]));
  NAMES.set(entries, names);
  return names;
}
