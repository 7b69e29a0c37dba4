import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { MANUAL, PAGES, Page, ROOT } from './markdown.js';

/** What is wrong with the relative links of a page. */
function brokenLinks(page: Page): readonly string[] {
  return page.links.flatMap((link) => {
    if (/^(?:https?|mailto):/.test(link)) return [];
    const [path = '', anchor] = link.split('#');
    const name = path === '' ? page.name : normalize(join(dirname(page.name), path));
    if (!existsSync(ROOT + name)) return [`${page.name}: ${link} leads to no file`];
    if (anchor === undefined || new Page(name).anchors.includes(anchor)) return [];
    return [`${page.name}: ${link} leads to no heading`];
  });
}

test('every relative link of every page leads to a file, and to a heading of it', () => {
  expect(PAGES.length).toBeGreaterThan(15);
  expect(PAGES.flatMap(brokenLinks)).toEqual([]);
});

test('a link to what is not there is found', () => {
  const page = new Page('docs/x.md', '[a](../README.md#set-up) [b](none.md) [c](../README.md#none) `[d](none.md)`');
  expect(brokenLinks(page)).toHaveLength(2);
});

test('every file and folder that the manual and CONTRIBUTING.md name is there', () => {
  const pages = [...MANUAL, new Page('CONTRIBUTING.md')];
  const paths = pages.flatMap(({ codeSpans, name }) =>
    codeSpans.flatMap((code) =>
      /^(?:src|test|bench|docs|fixtures|bin|\.ci)\/[\w./-]*$/.test(code) ? [{ name, code }] : [],
    ),
  );
  expect(paths.length).toBeGreaterThan(50);
  expect(paths.filter(({ code }) => !existsSync(ROOT + code))).toEqual([]);
});

test('every script that a page has npm run is in package.json', () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
  const named = PAGES.flatMap(({ lines }) =>
    [...lines.join('\n').matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(([, script = '']) => script),
  );
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
});
