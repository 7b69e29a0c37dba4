import { isDeepStrictEqual } from 'node:util';
import type { Case, Rule, Section } from './case.js';
import { code, shortened, text } from './markdown.js';
import { expectedOf, type Outcome } from './outcome.js';
import { CASES, SECTIONS, titleOf } from './sections.js';

/** What came of each case, by its title. */
export type Outcomes = ReadonlyMap<string, Outcome>;

const LONGEST_TREE = 10;

/** The table of all cases, as Markdown. */
export function conformanceTable(outcomes: Outcomes): string {
  const passed = CASES.filter(({ title, example }) => isAsExpected(example, outcomes.get(title))).length;
  return [
    '# How layers apply, case by case',
    '',
    'Made by `npm run conformance`: each image is built in code, flattened from archive to file, and compared with the tree',
    'written by hand in [rules/](rules); a test fails when this file is not what would be made.',
    `${CASES.length} cases, ${passed} as expected.`,
    '',
    'A tree is shown by a line for each name: `a=CONTENTS`, `d/`, `l->TARGET`, `p|` a fifo, `c 1:3` a device, `b==a` a',
    'further name of the file `a`; then what is not as usual: mode (0644, 0755 of a directory), owner (0:0), time (0),',
    'xattrs (none). Bytes that are not printable ASCII are escaped and `\\\\` is one backslash; `{9×x}` is nine times x.',
    ...SECTIONS.flatMap((section) => ['', ...sectionLines(section, outcomes)]),
    '',
  ].join('\n');
}

function sectionLines({ title, rules }: Section, outcomes: Outcomes): string[] {
  return [
    `## ${title}`,
    '',
    ...rules.flatMap(ruleLines),
    '',
    '| case | expected | source | result |',
    '| --- | --- | --- | --- |',
    ...rules.flatMap((rule) => rule.cases.map((example) => caseLine(rule, example, outcomes))),
  ];
}

function ruleLines({ row, says, engines, choice }: Rule): string[] {
  const lines = [`- **${row}** ${says}`];
  if (engines) lines.push(`  *Engines:* ${engines}`);
  if (choice) lines.push(`  *dimgx:* ${choice}`);
  return lines;
}

function caseLine(rule: Rule, example: Case, outcomes: Outcomes): string {
  const title = titleOf(rule, example);
  const cells = [
    text(title),
    expectation(example),
    text(example.source ?? rule.source),
    result(example, outcomes.get(title)),
  ];
  return `| ${cells.join(' | ')} |`;
}

function expectation(example: Case): string {
  if ('refused' in example) return 'refused';
  const { tree, warnings = [] } = example;
  const lines = tree.slice(0, LONGEST_TREE).map((line) => code(shortened(line)));
  if (tree.length > LONGEST_TREE) lines.push(`and ${tree.length - LONGEST_TREE} more`);
  if (tree.length === 0) lines.push('nothing');
  return [...lines, ...warnings.map((warning) => `warns: ${code(warning)}`)].join('<br>');
}

function result(example: Case, outcome: Outcome | undefined): string {
  if (outcome === undefined || !isAsExpected(example, outcome)) return `**FAILED**: ${text(JSON.stringify(outcome))}`;
  return 'refused' in outcome ? `refused: ${code(outcome.refused)}` : 'passed';
}

function isAsExpected(example: Case, outcome: Outcome | undefined): boolean {
  return isDeepStrictEqual(outcome, expectedOf(example));
}
