import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { printable } from '../../index.js';
import { usageError } from './usage-error.js';

/** What Node puts in place of bytes that are not UTF-8. */
const REPLACED = '\ufffd';

/**
 * Tells arguments that are not UTF-8 apart: Node has decoded them already. Linux keeps what it was given. Their other
 * bytes are shown as `\xNN`, as in all other output.
 *
 * @param args in the order of the command line
 */
export function exactArguments(args: readonly string[]): readonly string[] {
  if (!args.some((text) => text.includes(REPLACED))) return args;
  const given = [...commandLine()];
  return args.map((text) => {
    if (!text.includes(REPLACED)) return text;
    const at = given.findIndex((bytes) => bytes.toString() === text);
    const [bytes] = at < 0 ? [] : given.splice(at, 1);
    return bytes && !isUtf8(bytes) ? printable(bytes) : text;
  });
}

/**
 * The bytes of paths, also of those that are not UTF-8. An empty one is refused: it is often a variable that is not set.
 *
 * @param args in the order of the command line
 * @throws DIMGX_USAGE
 */
export function argumentBytes(args: readonly string[]): readonly Uint8Array[] {
  if (args.includes('')) throw usageError('a path must not be empty');
  if (!args.some((text) => text.includes(REPLACED))) return args.map((text) => Buffer.from(text));
  const given = [...commandLine()];
  return args.map((text) => {
    const at = given.findIndex((bytes) => bytes.toString() === text);
    const [bytes] = at < 0 ? [] : given.splice(at, 1);
    return bytes ?? Buffer.from(text);
  });
}

/** @returns nothing where the system does not tell */
function* commandLine(): Iterable<Buffer> {
  let all: Buffer;
  try {
    all = readFileSync('/proc/self/cmdline');
  } catch {
    return;
  }
  for (let at = 0; at < all.length; ) {
    const end = all.indexOf(0, at);
    yield all.subarray(at, end < 0 ? all.length : end);
    at = end < 0 ? all.length : end + 1;
  }
}
