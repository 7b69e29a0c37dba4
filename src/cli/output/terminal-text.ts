import { printable } from '../../index.js';

/** Longest sequence of bytes that encodes a character in UTF-8. */
const LONGEST = 4;

/** Makes a file's contents safe for a terminal, piece by piece. Line ends and tabs stay as they are. */
export class TerminalText {
  /** Bytes at the end of the last piece that may be the beginning of a character. */
  #rest: Uint8Array = new Uint8Array(0);

  push(piece: Uint8Array): string {
    const bytes = Buffer.concat([this.#rest, piece]);
    const end = bytes.length - unfinished(bytes);
    this.#rest = Uint8Array.from(bytes.subarray(end));
    return shown(bytes.subarray(0, end));
  }

  end(): string {
    const text = shown(this.#rest);
    this.#rest = new Uint8Array(0);
    return text;
  }
}

/** Number of bytes at the end that begin a character and do not complete it. */
function unfinished(bytes: Uint8Array): number {
  for (let length = 1; length < LONGEST && length <= bytes.length; length++) {
    const byte = bytes[bytes.length - length] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const whole = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return whole > length ? length : 0;
  }
  return 0;
}

function shown(bytes: Uint8Array): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at <= bytes.length; at++) {
    const byte = bytes[at];
    if (byte !== 0x0a && byte !== 0x09 && byte !== undefined) continue;
    parts.push(printable(bytes.subarray(from, at)));
    if (byte !== undefined) parts.push(String.fromCharCode(byte));
    from = at + 1;
  }
  return parts.join('');
}
