import { DimgxError } from '../errors.js';
import { latin1 } from './pax.js';

/** Maximum length of a path in the output, in bytes: the limit of Linux. */
export const MAX_PATH = 4095;

export const SLASH = 0x2f;
export const DOT = 0x2e;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * Normalizes a path for the merge: relative to the root, no `.`, no `//`, `a/..` resolved textually, no trailing slash;
 * empty for the root. Returns a view if nothing had to be resolved. Source: Go's filepath.Clean.
 *
 * @param aboveRoot what `..` above the root does: entry names reject it, hard-link targets stop at the root
 * @throws DIMGX_ENTRY_UNSAFE_NAME
 */
export function cleanPath(name: Uint8Array, aboveRoot: 'refuse' | 'clamp'): Uint8Array {
  const start = isDotted(name) ? 2 : 0;
  const end = name.length > start && name[name.length - 1] === SLASH ? name.length - 1 : name.length;
  const clean = isClean(name, start, end) ? name.subarray(start, end) : resolveDots(name, aboveRoot);
  if (clean.length > MAX_PATH) {
    throw new DimgxError(
      'DIMGX_ENTRY_UNSAFE_NAME',
      `the name of an entry is ${clean.length} bytes long, over ${MAX_PATH}`,
    );
  }
  return clean;
}

/**
 * Whether a stored name can be kept as it is, given its cleaned form: `x` or `./x`, for a directory also with a slash
 * at the end.
 */
export function isCanonical(name: Uint8Array, clean: Uint8Array, isDirectory: boolean): boolean {
  if (clean.length === 0) return name.length === 2 && isDotted(name);
  const prefix = isDotted(name) ? 2 : 0;
  const suffix = isDirectory && name[name.length - 1] === SLASH ? 1 : 0;
  return name.length === prefix + clean.length + suffix;
}

/** Whether a stored name begins with `./`. */
export function isDotted(name: Uint8Array): boolean {
  return name[0] === DOT && name[1] === SLASH;
}

/** Whether bsdtar strips the start of a path as a Windows root: a drive letter, or a backslash. */
export function hasWindowsRoot(path: Uint8Array): boolean {
  const first = path[0] as number;
  const isLetter = (first >= 0x41 && first <= 0x5a) || (first >= 0x61 && first <= 0x7a);
  return first === BACKSLASH || (isLetter && path[1] === COLON);
}

/** End of the path component that begins at `at`: the next slash, or the end of the path. */
export function componentEnd(path: Uint8Array, at: number): number {
  let end = at;
  while (end < path.length && path[end] !== SLASH) end++;
  return end;
}

/** Whether no component is empty, `.` or `..`. */
function isClean(name: Uint8Array, start: number, end: number): boolean {
  let component = start;
  for (let i = start; i <= end; i++) {
    if (i < end && name[i] !== SLASH) continue;
    const length = i - component;
    if (length === 0) return start === end;
    if (length <= 2 && name[component] === DOT && (length === 1 || name[component + 1] === DOT)) return false;
    component = i + 1;
  }
  return true;
}

function resolveDots(name: Uint8Array, aboveRoot: 'refuse' | 'clamp'): Uint8Array {
  const kept: string[] = [];
  for (const component of latin1(name).split('/')) {
    if (component === '' || component === '.') continue;
    if (component !== '..') kept.push(component);
    else if (kept.pop() === undefined && aboveRoot === 'refuse') {
      throw new DimgxError('DIMGX_ENTRY_UNSAFE_NAME', 'the name of an entry leads out of the root');
    }
  }
  return Buffer.from(kept.join('/'), 'latin1');
}
