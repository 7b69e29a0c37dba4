import { DOT, SLASH } from '../tar/path.js';

const PREFIX = bytesOf('.wh.');
const OPAQUE = bytesOf('.wh..wh..opq');
const NO_NAMES = ['', '.', '..'].map(bytesOf);
/** What the AUFS storage driver left at the root of its layers. */
export const AUFS_LEFTOVERS: readonly Uint8Array[] = ['.wh..wh.aufs', '.wh..wh.plnk', '.wh..wh.orph'].map(bytesOf);

/**
 * What the name of an entry commands: to hide its directory's older children (`opaque`), or one of them (`whiteout`).
 * `invalid` names nothing. Source: OCI image-spec, layer.md, Whiteouts.
 */
export type Marker = 'none' | 'whiteout' | 'opaque' | 'invalid' | 'aufs';

/** Length of the prefix in front of the name that a whiteout hides. */
export const WHITEOUT_PREFIX = PREFIX.length;

/**
 * @param names holds the path
 * @param start of the path in `names`
 * @param end of the path in `names`
 */
export function markerOf(names: Uint8Array, start: number, end: number): Marker {
  const base = baseStart(names, start, end);
  if (names[base] !== DOT || !startsWith(names, base, end, PREFIX)) return 'none';
  if (isName(names, base, end, OPAQUE)) return 'opaque';
  if (base === start && AUFS_LEFTOVERS.some((name) => isName(names, base, end, name))) return 'aufs';
  return NO_NAMES.some((name) => isName(names, base + PREFIX.length, end, name)) ? 'invalid' : 'whiteout';
}

/** Where the last component of a path begins. */
export function baseStart(names: Uint8Array, start: number, end: number): number {
  let base = end;
  while (base > start && names[base - 1] !== SLASH) base--;
  return base;
}

/** No Buffer: names are none either, and what has met one kind only stays fast. */
function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function startsWith(names: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (names[start + i] !== prefix[i]) return false;
  return true;
}

function isName(names: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  return end - start === name.length && startsWith(names, start, end, name);
}
