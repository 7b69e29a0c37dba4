import { isUtf8 } from 'node:buffer';
import type { ForeignFormat } from './foreign-format.js';

/** Number of bytes examined: enough to tell text from other data. */
const LOOKED_AT = 1024;
/** Minimum number of letters to accept UTF-16 without a byte order mark. */
const LEAST_LETTERS = 3;

const UTF16: ForeignFormat = { name: 'UTF-16 text', kind: 'damaged' };

/** First bytes of compressed data that was decoded as text in some encoding and written as UTF-8. As latin1. */
const REENCODED: readonly (readonly [string, string])[] = [
  ['\x1f\xef\xbf\xbd', 'gzip data that was read as UTF-8 text, and damaged'],
  ['\x1f\xc2\x8b', 'gzip data that was read as Latin-1 text, and written as UTF-8'],
  ['\x28\xef\xbf\xbd\x2f\xef\xbf\xbd', 'zstd data that was read as UTF-8 text, and damaged'],
  ['\x28\xc2\xb5\x2f\xc3\xbd', 'zstd data that was read as Latin-1 text, and written as UTF-8'],
  ['\xef\xbf\xbd7zXZ', 'xz data that was read as UTF-8 text, and damaged'],
  ['\xc3\xbd7zXZ', 'xz data that was read as Latin-1 text, and written as UTF-8'],
];

/**
 * Identifies text, and data that a program mistook for text and changed; `undefined` for other data.
 *
 * @param bytes the beginning of the file
 */
export function foreignText(bytes: Uint8Array): ForeignFormat | undefined {
  const head = Buffer.from(bytes.subarray(0, LOOKED_AT));
  const latin1 = head.toString('latin1');
  if (isUtf16(head)) return UTF16;
  const marked = latin1.startsWith('\xef\xbb\xbf');
  const text = marked ? latin1.slice(3) : latin1;
  for (const [begin, name] of REENCODED) if (text.startsWith(begin)) return { name, kind: 'damaged' };
  if (!isText(head)) {
    return marked ? { name: 'data that was written as text, behind the mark of UTF-8', kind: 'damaged' } : undefined;
  }
  const begin = text.trimStart();
  if (/^(<!--[\s\S]*?-->\s*)?<(!doctype html|html|head|body|meta|title)\b/i.test(begin))
    return { name: 'an HTML page', kind: 'page' };
  if (/^<(\?xml|!doctype|[a-z][\w:.-]*[\s/>])/i.test(begin)) return { name: 'an XML document', kind: 'page' };
  if (/^(\{\s*["}]|\[\s*[{[\]"])/.test(begin)) return { name: 'a JSON document', kind: 'JSON' };
  return { name: begin.startsWith('#!') ? 'a script' : 'text', kind: 'text' };
}

/** Detected by its byte order mark, or because every other byte at the start is zero. */
function isUtf16(head: Buffer): boolean {
  const mark = head.toString('latin1', 0, 2);
  if (mark === '\xff\xfe' || mark === '\xfe\xff') return true;
  return hasLetters(head, 0) || hasLetters(head, 1);
}

/** @param low index of the low byte in each pair: 0 for little-endian text, 1 for big-endian */
function hasLetters(head: Buffer, low: 0 | 1): boolean {
  // A tar header in UTF-16 may begin with a short name followed by many zeros. Gzip begins with three nonzero bytes.
  let letters = 0;
  let pairs = 0;
  for (; 2 * pairs + 1 < head.length; pairs += 1) {
    if (head[2 * pairs + 1 - low] !== 0) break;
    if (head[2 * pairs + low] !== 0) letters += 1;
    else if (pairs === 0) return false;
  }
  const isLong = 2 * pairs + 1 >= head.length;
  const isGzip = head[low] === 0x1f && [0x8b, 0xef].includes(head[2 + low] ?? 0) && pairs > 1;
  return isGzip || (letters >= LEAST_LETTERS && (isLong || pairs >= 32));
}

/**
 * Whether it is UTF-8 without control characters other than those common in text. The last character may be cut off.
 */
function isText(head: Buffer): boolean {
  let end = head.length;
  if (end === LOOKED_AT) while (end > LOOKED_AT - 4 && ((head[end - 1] as number) & 0x80) !== 0) end -= 1;
  const whole = head.subarray(0, end);
  const isControl = (byte: number) => byte < 0x20 && ![0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x1b].includes(byte);
  return whole.length > 0 && isUtf8(whole) && !whole.some(isControl);
}
