import { printable, quoted } from '../../base/text/printable.js';
import { invalidBag } from './bag-error.js';

/** Name of the file of a bag that describes it. */
export const BAG_INFO = 'bag-info.txt';

/** One element of `bag-info.txt`. */
export interface BagInfoElement {
  readonly label: string;
  readonly value: string;
}

/**
 * Makes the contents of `bag-info.txt`. An element takes one line: line breaks and other control characters in values
 * are escaped, so no value can add an element. An empty value has no line.
 */
export function formatBagInfo(elements: readonly BagInfoElement[]): string {
  const lines = elements.filter(({ value }) => value !== '');
  return lines.map(({ label, value }) => `${label}: ${printable(value)}\n`).join('');
}

/**
 * Reads `bag-info.txt`. Lines that begin with a blank continue the value before. Source: RFC 8493, 2.2.2.
 *
 * @throws DIMGX_BAG_INVALID
 */
export function readBagInfo(bytes: Buffer): readonly BagInfoElement[] {
  const elements: { label: string; value: string }[] = [];
  for (const [at, line] of bytes
    .toString()
    .split(/\r\n|[\n\r]/)
    .entries()) {
    const last = elements.at(-1);
    if (line.trim() === '') continue;
    if (/^[ \t]/.test(line) && last) {
      last.value += ` ${line.trim()}`;
      continue;
    }
    const colon = line.indexOf(':');
    const label = line.slice(0, Math.max(0, colon)).trim();
    if (label === '') throw invalidBag(`${BAG_INFO}, line ${at + 1}: ${quoted(line)} has no label`, BAG_INFO);
    elements.push({ label, value: line.slice(colon + 1).trim() });
  }
  return elements;
}

/** Sum of the sizes of all payload files in bytes, and their number. */
export interface PayloadSum {
  readonly bytes: number;
  readonly files: number;
}

/** @returns the value of `Payload-Oxum` */
export function formatOxum({ bytes, files }: PayloadSum): string {
  return `${bytes}.${files}`;
}

/**
 * The values of `Payload-Oxum`: there should be one at most.
 *
 * @returns each without leading zeros, if it is of the right form
 */
export function payloadOxums(elements: readonly BagInfoElement[]): readonly string[] {
  const found = elements.filter(({ label }) => label.toLowerCase() === 'payload-oxum');
  return found.map(({ value }) => value.replace(/^0+(?=\d+\.)|(?<=^\d+\.)0+(?=\d+$)/g, ''));
}
