import { isObject, tryParseJson } from '../../base/text/go-json.js';
import type { HiddenHow, VersionOrigin } from '../recorded-entry.js';

/** What a line of provenance says of a version, and a tar does not. */
export interface ToldOrigin extends Omit<VersionOrigin, 'diffId' | 'createdBy' | 'entry'> {
  /** The path that the line is about, from the root, without a slash at either end. */
  readonly path: Uint8Array;
}

const HOWS: readonly unknown[] = [
  'removed',
  'opaque',
  'replaced',
  'parent',
  'duplicate',
] as const satisfies readonly HiddenHow[];

/**
 * Reads a line of provenance that nobody has checked. What is not of its type counts as absent or 0: the line is not the
 * one that the result would be written as.
 *
 * @param line a character for each byte
 * @returns `undefined` if it is not a JSON object with a path
 */
export function toldOrigin(line: string): ToldOrigin | undefined {
  const value = tryParseJson(ASCII.test(line) ? line : Buffer.from(line, 'latin1').toString());
  if (!isObject(value) || typeof value.path !== 'string') return undefined;
  const { aliveAs, shadows } = value;
  return {
    path: pathOf(value.path, value.pathBase64),
    layer: count(value.layer),
    inode: count(value.inode),
    nlink: count(value.nlink),
    hiddenBy: hiderOf(value.hiddenBy),
    aliveAs: Array.isArray(aliveAs) ? pathsOf(aliveAs, value.aliveAsBase64) : NOTHING,
    moreAliveAs: count(value.moreAliveAs),
    shadows: Array.isArray(shadows) ? shadows.map(shadowOf) : NOTHING,
    moreShadows: count(value.moreShadows),
    isImplied: value.implied === true,
  };
}

const ASCII = /^[\n -~]*$/;
const NOTHING: readonly never[] = [];

function hiderOf(value: unknown): VersionOrigin['hiddenBy'] {
  if (!isObject(value) || !HOWS.includes(value.how)) return undefined;
  return { layer: count(value.layer), how: value.how as HiddenHow, path: pathOf(value.path, value.pathBase64) };
}

function shadowOf(value: unknown): VersionOrigin['shadows'][number] {
  const { layer, inode } = isObject(value) ? value : {};
  return { layer: count(layer), inode: count(inode) };
}

function pathsOf(texts: readonly unknown[], base64: unknown): VersionOrigin['aliveAs'] {
  return texts.map((text, i) => pathOf(text, Array.isArray(base64) ? base64[i] : undefined));
}

function count(value: unknown): number {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : 0;
}

/** Without the slash that it begins with. */
function pathOf(text: unknown, base64: unknown): Uint8Array {
  const bytes =
    typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(typeof text === 'string' ? text : '');
  return bytes.subarray(1);
}
