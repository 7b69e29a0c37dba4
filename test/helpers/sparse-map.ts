/** Where the stretches of data of a sparse file are, in order. */
export type SparseMap = readonly (readonly [offset: number, length: number])[];

/** A sparse file with its holes filled; text is latin1. */
export function expandSparse(map: SparseMap, size: number, data: string): string {
  let whole = '';
  let taken = 0;
  for (const [offset, length] of map) {
    whole = whole.padEnd(offset, '\0') + data.slice(taken, taken + length);
    taken += length;
  }
  return whole.padEnd(size, '\0');
}

/**
 * The contents of a sparse file in PAX format with its holes filled; the contents of any other file unchanged. The
 * pairs of format 0.0 must be given as in 0.1. Source: GNU tar manual, Sparse Formats.
 */
export function expandPaxSparse(pax: ReadonlyMap<string, string>, stored: string): string {
  const size = Number(pax.get('GNU.sparse.realsize') ?? pax.get('GNU.sparse.size'));
  if (pax.get('GNU.sparse.major') === '1') {
    const [count = '', ...numbers] = stored.split('\n');
    const parts = numbers.slice(0, 2 * Number(count));
    const head = `${[count, ...parts].join('\n')}\n`.length;
    return expandSparse(pairsOf(parts), size, stored.slice(Math.ceil(head / 512) * 512));
  }
  const map = pax.get('GNU.sparse.map')?.split(',');
  return map === undefined ? stored : expandSparse(pairsOf(map), size, stored);
}

function pairsOf(numbers: readonly string[]): SparseMap {
  return numbers.flatMap((offset, i) => (i % 2 === 0 ? [[Number(offset), Number(numbers[i + 1])] as const] : []));
}
