import { readFile, writeFile } from 'node:fs/promises';

const README = new URL('README.md', import.meta.url);
const HEADINGS = { work: 'work', measured: 'dimgx', beside: 'beside', figure: 'figure', bar: 'bar', holds: 'holds' };

/** A table in Markdown. @param {import('./figures.mjs').Row[]} rows @returns {string} */
export function formatTable(rows) {
  const columns = /** @type {(keyof typeof HEADINGS)[]} */ (Object.keys(HEADINGS));
  const cells = [HEADINGS, ...rows].map((row) => columns.map((column) => row[column]));
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  const lines = cells.map((row) => `| ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}

/**
 * Puts a text between two marks of the README of this folder, and leaves the rest alone.
 *
 * @param {'figures' | 'engine figures' | 'registry figures' | 'codec figures'} mark
 * @param {string} text
 */
export async function writeReadme(mark, text) {
  const readme = await readFile(README, 'utf8');
  const [before, , after, ...more] = readme.split(`<!-- ${mark} -->`);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`bench/README.md has to hold the mark "${mark}" twice`);
  await writeFile(README, [before, `\n\n${text}\n\n`, after].join(`<!-- ${mark} -->`));
}
