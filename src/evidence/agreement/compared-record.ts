import { quoted } from '../../base/text/printable.js';
import type { RecordWriter } from '../recorded-entry.js';
import type { RecordLines } from './record-lines.js';

/** How much of a line is shown before and after the first character that is wrong. */
const [BEFORE, AFTER] = [16, 32];

/** A record in a bag, whose lines are compared with what they should be. */
export class ComparedRecord {
  /** In the bag. */
  readonly path: string;
  readonly writer: RecordWriter;
  readonly lines: RecordLines;
  /** The first thing that is wrong, worded to follow the path; printable. */
  problem: string | undefined;
  /** A line was about another entry: those that follow may be about other versions, even of the same path. */
  isOutOfStep = false;

  constructor(path: string, writer: RecordWriter, lines: RecordLines) {
    this.path = path;
    this.writer = writer;
    this.lines = lines;
  }

  /**
   * Compares the current line, and goes to the next one.
   *
   * @param text the line as it should be, with its line end; empty if there should be none
   * @param source what says so; printable
   * @returns a promise if bytes must be read first
   * @throws as `RecordLines.next`
   */
  take(text: string, source: string): Promise<void> | undefined {
    if (text === '') return undefined;
    const { line, number } = this.lines;
    if (line !== text) this.problem ??= disagreement(line, text, number, source);
    return this.skip();
  }

  /** Goes to the next line. @returns and throws as `take` */
  skip(): Promise<void> | undefined {
    return this.lines.line === undefined ? undefined : this.lines.next();
  }

  /** Notes what is wrong with the current line. @param what worded to follow "line 3" */
  blame(what: string, line = this.lines.number): void {
    this.problem ??= `line ${line} ${what}`;
  }

  /** Notes what is wrong with the record as a whole. @param what worded to follow its path */
  blameWhole(what: string): void {
    this.problem ??= what;
  }

  /** Call it when there should be no more lines. */
  end(source: string): void {
    if (this.lines.line !== undefined) this.blame(`is too many: ${source} has nothing for it`);
  }
}

function disagreement(line: string | undefined, text: string, number: number, source: string): string {
  if (line === undefined) return `ends before line ${number}, where ${source} has ${excerpt(text, 0)}`;
  let at = 0;
  while (line[at] === text[at]) at++;
  return `line ${number} has ${excerpt(line, at)}, but ${source} says ${excerpt(text, at)}`;
}

function excerpt(line: string, at: number): string {
  const text = line.slice(Math.max(0, at - BEFORE), at + AFTER).replace(/\n$/, '');
  return quoted(Buffer.from(text, 'latin1'));
}
