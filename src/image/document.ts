import * as v from 'valibot';
import { printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';

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
  const parsed = v.safeParse(schema, foldKeys(value, schema), { abortEarly: true });
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

/** Valibot lets a list pass for an object; this it does not. */
const A_LIST = 'a list';

/** Gives the keys of objects the letter case of the schema: Go's decoder matches them in any. The last one counts. */
function foldKeys(value: unknown, schema: v.GenericSchema): unknown {
  return folded(value, schema as unknown as ShapeSchema);
}

/** What needs no other key is the same object again: a document may have a million. */
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

/** The object itself when none of its keys is one of the schema in other letters. */
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

/** The keys of a schema by their lower case. */
function namesOf(entries: Readonly<Record<string, ShapeSchema>>): ReadonlyMap<string, string> {
  const names = NAMES.get(entries) ?? new Map(Object.keys(entries).map((name) => [name.toLowerCase(), name]));
  NAMES.set(entries, names);
  return names;
}
