import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Page, ROOT } from './markdown.js';

const readme = new Page('README.md');

test('the README is short, and no table in it is wide', () => {
  expect(readme.lines.length).toBeLessThanOrEqual(121); // the last line has an end
  expect(readme.lines.filter((line) => [...line].length > 120)).toEqual([]);
});

test('the README begins with two commands that package.json has', () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
  const commands = readme.lines.flatMap((line) => /^\$ (.*?)(?: +#.*)?$/.exec(line)?.[1] ?? []);
  expect(commands.slice(0, 2)).toEqual(['npm ci && npm run --silent demo', 'npm test']);
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['demo', 'test']));
});

test('the README leads to every page of the manual, and says which Node is needed', () => {
  const pages = ['sources', 'registries', 'cache', 'output', 'tree', 'cli', 'errors', 'library', 'design'];
  const links = [...readme.links].map((link) => link.replace(/#.*/, ''));
  expect(links).toEqual(expect.arrayContaining(pages.map((page) => `docs/${page}.md`)));
  const { engines } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
  expect(readme.lines.join('\n')).toContain(`Node.js ${engines.node.replace('>=', '')} or later`);
});

test('the figures of speed in the README are those of bench/README.md', () => {
  const speed = readme.lines.join('\n').split('\nSpeed: ')[1]?.split('\n\n')[0] ?? '';
  const figures = speed.match(/\d[\d.,]* (?:s|GB|entries)\b/g) ?? [];
  expect(figures.length).toBeGreaterThanOrEqual(4);
  const bench = readFileSync(`${ROOT}bench/README.md`, 'utf8');
  expect(figures.filter((figure) => !bench.includes(figure))).toEqual([]);
});
