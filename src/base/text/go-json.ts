/** @returns `undefined` if the text is not JSON. No error reveals any of the text. */
export function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Parses JSON as Go's decoder does: only the first value counts, and anything after it is ignored. A byte order mark is
 * skipped. No error reveals any of the text.
 *
 * @returns `undefined` if the text does not begin with a JSON value
 */
export function parseGoJson(text: string): unknown {
  const plain = text.replace(/^\ufeff/, '');
  const whole = tryParseJson(plain);
  return whole === undefined ? tryParseJson(plain.slice(0, endOfValue(plain))) : whole;
}

/**
 * Finds an object's fields as Go's decoder does: names are case-insensitive, the last one wins, null is ignored, and
 * objects of the same name are merged.
 */
export function goFields<K extends string>(value: unknown, names: readonly K[]): Partial<Record<K, unknown>> {
  const fields: Partial<Record<K, unknown>> = {};
  if (!isObject(value)) return fields;
  const byName = new Map(names.map((name) => [name.toLowerCase(), name]));
  for (const [key, found] of Object.entries(value)) {
    const name = byName.get(key.toLowerCase());
    if (name === undefined || found === null) continue;
    const old = fields[name];
    fields[name] = isObject(old) && isObject(found) ? { ...old, ...found } : found;
  }
  return fields;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Offset after the object or array that the text begins with; 0 if there is none. */
function endOfValue(text: string): number {
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/gs;
  let depth = 0;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    const [piece] = found;
    if (piece === '{' || piece === '[') depth++;
    else if (piece === '}' || piece === ']') depth--;
    if (depth <= 0) return token.lastIndex;
  }
  return 0;
}
