import { handledLater } from '../../base/call/deferred.js';
import type { RecordedEntry, RecordWriter } from '../recorded-entry.js';

/** A record that is written, and where its text goes. */
export interface RecordOutput {
  readonly writer: RecordWriter;
  /** Mostly there is room at once. Otherwise, no more is appended until the promise resolves. */
  append(text: string): Promise<void> | undefined;
}

/** Appends the lines of a record, and keeps those that find no room until the entries of a buffer have passed by. */
export class RecordText {
  readonly #record: RecordOutput;
  #hasHeading = false;
  /** Settles when there is room again. */
  #waiting: Promise<void> | undefined;
  #kept = '';

  constructor(record: RecordOutput) {
    this.#record = record;
  }

  get needsHashes(): boolean {
    return this.#record.writer.needsHashes;
  }

  get hasHidden(): boolean {
    return this.#record.writer.hasHidden;
  }

  add(entry: RecordedEntry): void {
    this.#begin(entry);
    this.#append(this.#record.writer.line(entry));
  }

  async flush(): Promise<void> {
    await this.#waiting;
    this.#waiting = undefined;
    const lines = this.#kept;
    this.#kept = '';
    if (lines !== '') await this.#record.append(lines);
  }

  async end(): Promise<void> {
    this.#begin(undefined);
    await this.flush();
  }

  #begin(first: RecordedEntry | undefined): void {
    if (this.#hasHeading) return;
    this.#hasHeading = true;
    this.#append(this.#record.writer.heading(first));
  }

  #append(lines: string): void {
    if (this.#waiting) {
      this.#kept += lines;
      return;
    }
    const waiting = this.#record.append(lines);
    if (waiting) this.#waiting = handledLater(waiting);
  }
}
