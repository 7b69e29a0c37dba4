import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ERRORS, WARNINGS } from '#dimgx/errors.js';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');

/** The cells of the table under a heading, without its head. */
function tableUnder(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

describe('the README', () => {
  it('lists every error with its exit code and meaning, and no other', () => {
    const rows = Object.entries(ERRORS).map(([code, { exit, meaning }]) => [`\`${code}\``, String(exit), meaning]);
    expect(tableUnder('Errors')).toEqual(rows);
  });

  it('lists every warning with its meaning, and no other', () => {
    const rows = Object.entries(WARNINGS).map(([code, { about, meaning }]) => [`\`${code}\``, about, meaning]);
    expect(tableUnder('Warnings')).toEqual(rows);
  });

  it('begins with two commands that package.json has', async () => {
    const { scripts } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    const commands = [...readme.matchAll(/^\$ (.*?)(?: +#.*)?$/gm)].map((match) => match[1]);
    expect(commands.slice(0, 2)).toEqual(['npm ci && npm run --silent demo', 'npm test']);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['demo', 'test']));
  });
});
