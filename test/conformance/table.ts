import { isDeepStrictEqual } from 'node:util';
import type { Case, Rule, Section } from './case.js';
import { JUDGES, type Judge, type Verdicts } from './judges.js';
import { code, shortened, text } from './markdown.js';
import { expectedOf, type Outcome } from './outcome.js';
import { CASES, SECTIONS, titleOf } from './sections.js';
import type { Verdict } from './verdict.js';

/** What came of each case, by its title. */
export type Outcomes = ReadonlyMap<string, Outcome>;

/** What each engine made of them. */
export type AllVerdicts = ReadonlyMap<Judge, Verdicts>;

const LONGEST_TREE = 10;
const ENGINES = Object.keys(JUDGES) as Judge[];

/** The table of all cases, as Markdown. */
export function conformanceTable(outcomes: Outcomes, verdicts: AllVerdicts): string {
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
    '',
    'The last columns tell what real engines make of the same images (`npm run conformance:engines`): `same` the',
    'tree that is expected; `2.1` the same but for the mode of directories that no layer describes (row 2.1); `differs`;',
    '`refuses` it; `takes it`, where dimgx refuses; `–` not asked: it reads no such archive, or would come to harm. How trees',
    'differ stands in [verdicts/](verdicts). The time of a directory without an entry is open.',
    '',
    ...summary(verdicts),
    ...SECTIONS.flatMap((section) => ['', ...sectionLines(section, outcomes, verdicts)]),
    '',
  ].join('\n');
}

function summary(verdicts: AllVerdicts): string[] {
  const kinds = ['same', '2.1', 'differs', 'refuses', 'takes it'];
  const counts = ENGINES.map((judge) => {
    const words = Object.values(verdicts.get(judge) ?? {}).map(word);
    return `| ${[judge, ...kinds.map((kind) => words.filter((other) => other === kind).length)].join(' | ')} |`;
  });
  return [`| engine | ${kinds.join(' | ')} |`, '| --- | --- | --- | --- | --- | --- |', ...counts];
}

function sectionLines({ title, rules }: Section, outcomes: Outcomes, verdicts: AllVerdicts): string[] {
  return [
    `## ${title}`,
    '',
    ...rules.flatMap(ruleLines),
    '',
    `| case | expected | source | result | ${ENGINES.join(' | ')} |`,
    `| --- | --- | --- | --- |${' --- |'.repeat(ENGINES.length)}`,
    ...rules.flatMap((rule) => rule.cases.map((example) => caseLine(rule, example, outcomes, verdicts))),
  ];
}

function ruleLines({ row, says, engines, choice }: Rule): string[] {
  const lines = [`- **${row}** ${says}`];
  if (engines) lines.push(`  *Engines:* ${engines}`);
  if (choice) lines.push(`  *dimgx:* ${choice}`);
  return lines;
}

function caseLine(rule: Rule, example: Case, outcomes: Outcomes, verdicts: AllVerdicts): string {
  const title = titleOf(rule, example);
  const source = text(example.source ?? rule.source);
  const judged = ENGINES.map((judge) => word(verdicts.get(judge)?.[title]));
  return `| ${[text(title), expectation(example), source, result(example, outcomes.get(title)), ...judged].join(' | ')} |`;
}

function word(verdict: Verdict | undefined): string {
  if (verdict === undefined) return '–';
  if (verdict.startsWith('differs')) return 'differs';
  return verdict === 'same but 2.1' ? '2.1' : verdict;
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
