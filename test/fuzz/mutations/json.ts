import { oneOf, type Random } from '../random.js';
import { mutatedBytes, ODD_NUMBERS } from './bytes.js';

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/gs;

const HEX = '0123456789abcdef'.repeat(4);
const ODD_VALUES = [
  ...['null', 'true', 'false', '[]', '{}', '""', '[[]]', '[null]', '{"":null}', '-0', ...ODD_NUMBERS],
  ...[
    '"a"',
    '"../x"',
    '"/etc/passwd"',
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\u202e"',
    '"\\u001b[31m"',
    `"${'n'.repeat(5000)}"`,
  ],
  ...[`"sha256:${HEX}"`, `"sha512:${HEX}${HEX}"`, `"sha256:${HEX.toUpperCase()}"`, '"sha256:"', '"md5:ab"', `"${HEX}"`],
  ...[
    '"application/vnd.oci.image.index.v1+json"',
    '"application/vnd.oci.image.manifest.v1+json"',
    '"linux"',
    '"unknown"',
  ],
  ...[
    '"application/vnd.oci.image.layer.v1.tar+encrypted"',
    '"2024-01-02T03:04:05Z"',
    '"-1-1-1"',
    '"@0"',
    '"blobs/sha256"',
  ],
  ...['[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]', '{"a":{"a":{"a":{"a":{"a":{}}}}}}'],
];
const ODD_KEYS = [
  ...[
    '"__proto__"',
    '"constructor"',
    '"toString"',
    '"length"',
    '"0"',
    '"manifests"',
    '"layers"',
    '"config"',
    '"platform"',
  ],
  ...['"annotations"', '"vnd.docker.reference.type"', '"schemaVersion"', '"fsLayers"', '"variant"', '"empty_layer"'],
  ...['"artifactType"', '"LayerSources"', '"RepoTags"', '"parent"', '"id"'],
];

/** Changes a document by its tokens, so that it mostly stays JSON, or by its bytes. */
export function mutatedJson(document: Uint8Array, random: Random): Buffer {
  if (random(6) === 0) return mutatedBytes(document, random);
  const tokens = Buffer.from(document).toString().match(TOKEN) ?? [];
  for (let times = 1 + random(3); times > 0; times--) mutateTokens(tokens, random);
  const text = tokens.join('').slice(0, 64 * 1024);
  return Buffer.from(random(40) === 0 ? `\ufeff${text}` : text);
}

function mutateTokens(tokens: string[], random: Random): void {
  const values = placesOf(tokens, (token, next) => isScalar(token) && next !== ':');
  const keys = placesOf(tokens, (token, next) => isScalar(token) && next === ':');
  const value = values.length === 0 ? 0 : oneOf(values, random);
  const key = keys.length === 0 ? 0 : oneOf(keys, random);
  const kind = random(10);
  if (kind <= 3) tokens[value] = oneOf(ODD_VALUES, random);
  else if (kind === 4) tokens[value] = tokens[oneOf(values.length === 0 ? [0] : values, random)] ?? 'null';
  else if (kind === 5) tokens[key] = oneOf(ODD_KEYS, random);
  else if (kind === 6) tokens.splice(key, 0, oneOf(ODD_KEYS, random), ':', oneOf(ODD_VALUES, random), ',');
  else if (kind === 7) replaceWhole(tokens, random, (whole) => [...whole, ',', ...whole]);
  else if (kind === 8)
    replaceWhole(tokens, random, (whole) => (random(2) === 0 ? [oneOf(ODD_VALUES, random)] : ['[', ...whole, ']']));
  else tokens.splice(random(tokens.length), 1 + random(3));
}

function placesOf(tokens: readonly string[], fits: (token: string, next: string | undefined) => boolean): number[] {
  return tokens.flatMap((token, at) => (fits(token, tokens[at + 1]) ? at : []));
}

function isScalar(token: string): boolean {
  return !'{}[],:'.includes(token);
}

/** Puts something else in the place of a whole list or object. */
function replaceWhole(tokens: string[], random: Random, make: (whole: readonly string[]) => readonly string[]): void {
  const starts = placesOf(tokens, (token) => token === '{' || token === '[');
  if (starts.length === 0) return;
  const start = oneOf(starts, random);
  let depth = 0;
  let end = start;
  do {
    const token = tokens[end++];
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
  } while (depth > 0 && end < tokens.length);
  if (tokens.length > 5000) return;
  tokens.splice(start, end - start, ...make(tokens.slice(start, end)));
}
