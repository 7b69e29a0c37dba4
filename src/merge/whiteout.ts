import { DOT, SLASH } from '../tar/path.js';

const PREFIX = bytesOf('.wh.');
const OPAQUE = bytesOf('.wh..wh..opq');
const NO_NAMES = ['', '.', '..'].map(bytesOf);
/** Names that the AUFS storage driver left at the root of its layers. */
export const AUFS_LEFTOVERS: readonly Uint8Array[] = ['.wh..wh.aufs', '.wh..wh.plnk', '.wh..wh.orph'].map(bytesOf);

/**
 * What an entry does because of its name: hide all older children of its directory (`opaque`) or one of them
 * (`whiteout`). An `invalid` marker names nothing. Source: OCI image-spec, layer.md, Whiteouts.
 */
export type Marker = 'none' | 'whiteout' | 'opaque' | 'invalid' | 'aufs';

/** Length of the prefix before the name that a whiteout hides. */
export const WHITEOUT_PREFIX = PREFIX.length;

/**
 * @param names contains the path
 * @param start start of the path in `names`
 * @param end end of the path in `names`
 */
export function markerOf(names: Uint8Array, start: number, end: number): Marker {
  const base = baseStart(names, start, end);
  if (names[base] !== DOT || !startsWith(names, base, end, PREFIX)) return 'none';
  if (isName(names, base, end, OPAQUE)) return 'opaque';
  if (base === start && AUFS_LEFTOVERS.some((name) => isName(names, base, end, name))) return 'aufs';
  return NO_NAMES.some((name) => isName(names, base + PREFIX.length, end, name)) ? 'invalid' : 'whiteout';
}

/** Offset of a path's last component. */
export function baseStart(names: Uint8Array, start: number, end: number): number {
  let base = end;
  while (base > start && names[base - 1] !== SLASH) base--;
  return base;
}

/** Not a `Buffer`, because names are not Buffers either: code that only ever sees one type stays fast. */
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
