import type { ByteName } from '../base/io/open-folder.js';

/** Length of the text that is collected before it is packed, in characters. */
const TEXT = 16 * 1024;

/** A path, followed by its fields. */
export type PathRecord = readonly [path: ByteName, ...fields: string[]];

/**
 * A list of paths, each with the same number of fields, in the order they were appended. A path is stored without what it
 * shares with the one before it, so most records take some tens of bytes.
 */
export class PathLog {
  readonly #fields: number;
  readonly #packed: Buffer[] = [];
  /** Records that are not packed yet: all their parts end in a NUL. */
  #text = '';
  #last: ByteName = '';

  /** @param fields number of fields of each path */
  constructor(fields: number) {
    this.#fields = fields;
  }

  /** @param fields one character, one byte; without NUL */
  append(path: ByteName, ...fields: readonly string[]): void {
    const shared = sharedLength(this.#last, path);
    this.#text += `${shared}\0${path.slice(shared)}\0${fields.join('\0')}\0`;
    this.#last = path;
    if (this.#text.length < TEXT) return;
    this.#packed.push(Buffer.from(this.#text, 'latin1'));
    this.#text = '';
    this.#last = '';
  }

  *records(): Generator<PathRecord> {
    for (const packed of this.#packed) yield* this.#unpack(packed.toString('latin1'));
    yield* this.#unpack(this.#text);
  }

  /** The same records from the last to the first. */
  *reversed(): Generator<PathRecord> {
    yield* [...this.#unpack(this.#text)].reverse();
    for (const packed of this.#packed.toReversed()) yield* [...this.#unpack(packed.toString('latin1'))].reverse();
  }

  *#unpack(text: string): Generator<PathRecord> {
    const parts = text.split('\0');
    const length = 2 + this.#fields;
    let path = '';
    for (let at = 0; at + length < parts.length; at += length) {
      path = path.slice(0, Number(parts[at])) + parts[at + 1];
      yield [path, ...parts.slice(at + 2, at + length)];
    }
  }
}

function sharedLength(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) length++;
  return length;
}
