import type { RawEntry } from '../helpers/raw-layer.js';

/** Says that an image has to be refused, by which code, and for which entry. */
export class Refusal extends Error {
  readonly code: string;
  readonly entry: RawEntry;

  constructor(code: string, message: string, entry: RawEntry) {
    super(message);
    this.code = code;
    this.entry = entry;
  }
}
