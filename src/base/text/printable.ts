import { isUtf8 } from 'node:buffer';
import { isUint8Array } from 'node:util/types';
import { wrongType } from '../../errors.js';

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Makes text from an image or archive safe for a terminal and for one line. Control, bidirectional and invisible
 * formatting characters, line separators and lone surrogates are escaped as `\n`, `\xNN` or `\u{N}`; bytes that are not
 * UTF-8 as `\xNN`. All untrusted text is shown through this function.
 *
 * @param limit maximum length of the result, in UTF-16 units; longer text is cut and ends in `…`
 * @throws DIMGX_OPTION_INVALID for a value of another type
 */
export function printable(text: string | Uint8Array, limit = Number.POSITIVE_INFINITY): string {
  if (typeof text !== 'string' && !isUint8Array(text)) throw wrongType('the text', 'a string or a Uint8Array', text);
  if (typeof limit !== 'number') throw wrongType('the limit', 'a number', limit);
  const escaped =
    typeof text === 'string' ? escapeCharacters(text.slice(0, limit + 1)) : escapeBytes(text.subarray(0, 4 * limit));
  return escaped.length <= limit ? escaped : `${escaped.slice(0, limit - 1)}…`;
}

/** Printable text in double quotes, cut to a length that keeps messages readable. */
export function quoted(text: string | Uint8Array): string {
  return `"${printable(text, 200)}"`;
}

/** A path for error details, both printable and raw. The bytes are copied. */
export function pathData(path: string | Uint8Array): { readonly path: string; readonly rawPath: Uint8Array } {
  return { path: printable(path), rawPath: Uint8Array.from(typeof path === 'string' ? Buffer.from(path) : path) };
}

function escapeCharacters(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return SHORT[character] ?? (code < 0x100 ? escapeByte(code) : `\\u{${code.toString(16)}}`);
  });
}

function escapeByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

function escapeBytes(bytes: Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  if (isUtf8(bytes)) return escapeCharacters(decoder.decode(bytes));
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] ?? 0);
    const sequence = bytes.subarray(at, at + length);
    try {
      text += escapeCharacters(decoder.decode(sequence));
      at += sequence.length;
    } catch {
      text += escapeByte(bytes[at] ?? 0);
      at += 1;
    }
  }
  return text;
}

/** Length in bytes of the UTF-8 sequence that begins with this byte; 1 for a byte that cannot begin one. */
function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

const MAX_REASON = 300;

/**
 * The message of a failure, in one printable line. Makes no assumption about the value, since anything can be thrown.
 */
export function reasonOf(failure: unknown): string {
  try {
    const text = failure instanceof Error ? failure.message || failure.name : String(failure);
    return printable(text, MAX_REASON);
  } catch {
    return `a value of type ${typeof failure}`;
  }
}

/**
 * A message of the operating system without the call and the paths that Node appends, as in `EACCES: permission
 * denied`. A path may be a temporary name, or one that the message names already.
 */
export function withoutCall(message: string): string {
  return message.replace(/^(E[A-Z0-9]+: [^,]*),.*$/s, '$1');
}

/** Quotes printable text as one shell word, for commands suggested in messages. */
export function shellWord(text: string): string {
  if (/^[\w%+=:,./@-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** An image or layer ID in hex digits, shortened as engines show it. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
