import { mkdir, symlink } from 'node:fs/promises';
import { delimiter } from 'node:path';
import { describe, expect, test } from 'vitest';
import { optionsOf } from '#dimgx/cli/commands/command.js';
import { findCommand } from '#dimgx/cli/commands/command-table.js';
import { asOptions } from '#dimgx/cli/commands/meant-command.js';
import { normaliseArgv } from '#dimgx/cli/options/argv.js';
import { parseReference } from '#dimgx/source/reference.js';
import { temporaryFolder } from '../helpers/members.js';
import { readCommandLine } from '../helpers/read-line.js';
import { runShell } from '../helpers/run-command.js';
import { shortOrLong } from '../helpers/short-or-long.js';
import { MANUAL, ROOT } from './markdown.js';
import { commandsOf } from './shell-line.js';

/** A line of a console, and what it is said to print. */
interface Example {
  readonly page: string;
  readonly line: string;
  readonly output: readonly string[];
}

const EXAMPLES: readonly Example[] = MANUAL.flatMap(({ name, fences }) =>
  fences
    .filter(({ language }) => language === 'console')
    .flatMap(({ lines }) => {
      const found: { page: string; line: string; output: string[] }[] = [];
      for (const line of lines) {
        if (line.startsWith('$ ')) found.push({ page: name, line: line.slice(2), output: [] });
        else found.at(-1)?.output.push(line);
      }
      return found;
    }),
);

/** The arguments of each dimgx in a line. */
function invocationsIn(line: string): readonly (readonly string[])[] {
  return commandsOf(line).flatMap(([program, ...args]) => (program === 'dimgx' ? [args] : []));
}

/**
 * Reads a command line as dimgx does, and does nothing.
 *
 * @param isWhole whether its operands must be there, too
 * @throws what is wrong with it
 */
async function read(args: readonly string[], isWhole: boolean): Promise<void> {
  const words = asOptions(args);
  const { name, row, args: rest } = findCommand(words);
  if (!row && isWhole) throw new Error(`dimgx ${args.join(' ')} lacks its second word`);
  if (!row) return;
  if (!isWhole) {
    normaliseArgv(rest, optionsOf(await row.load()));
    return;
  }
  const line = await readCommandLine(words);
  if (line && name === '') parseReference(line.operands[0] ?? '');
}

/** Without what stands in brackets, one in the other, and without dots. */
function withoutOptional(text: string): string {
  const shorter = text.replaceAll(/\[[^[\]]*\]|\.\.\.|…/g, '');
  return shorter === text ? text : withoutOptional(shorter);
}

/** Whether a line needs nothing but the fixtures. */
function isRunnable(line: string): boolean {
  const isHarmless = ([program = '']: readonly string[]) => ['dimgx', 'tar'].includes(program);
  const invocations = invocationsIn(line);
  const ofFixtures = (args: readonly string[]) => args.some((arg) => /^(?:[\w-]+:)?fixtures\//.test(arg));
  return commandsOf(line).every(isHarmless) && invocations.length > 0 && invocations.every(ofFixtures);
}

describe('an example of the manual', () => {
  test('is a command line that dimgx understands', async () => {
    const invocations = EXAMPLES.flatMap(({ line }) => invocationsIn(line));
    expect(invocations.length).toBeGreaterThan(30);
    for (const args of invocations) await read(args, true);
  });

  test('has options that dimgx knows, in the text, too', async () => {
    const spans = MANUAL.flatMap(({ codeSpans }) => codeSpans.filter((code) => code.startsWith('dimgx ')));
    expect(spans.length).toBeGreaterThan(20);
    for (const span of spans) for (const args of invocationsIn(withoutOptional(span))) await read(args, false);
  });

  test('would be found if it were wrong', async () => {
    await expect(read(['-t'], true)).rejects.toThrow();
    await expect(read(['images', '--nonsense', 'x'], true)).rejects.toThrow();
    await expect(read(['cache', 'rm'], true)).rejects.toThrow();
    expect(invocationsIn("a | dimgx -l '@1 @2' x && dimgx y # dimgx z")).toEqual([['-l', '@1 @2', 'x'], ['y']]);
  });

  const runnable = EXAMPLES.filter(({ line }) => isRunnable(line));
  // the short form leaves out most of those whose output is not shown: each starts a process
  const run = runnable.filter(({ output }, i) => output.length > 0 || shortOrLong(i % 6 === 0, true));

  test('is run, if it needs the fixtures alone', () => expect(runnable.length).toBeGreaterThan(10));

  test.each(run)('of $page works: $line', async ({ line, output }) => {
    const folder = await temporaryFolder();
    await mkdir(`${folder}/bin`);
    await symlink(`${ROOT}bin/dimgx.js`, `${folder}/bin/dimgx`);
    await symlink(`${ROOT}fixtures`, `${folder}/fixtures`);
    const env = { PATH: `${folder}/bin${delimiter}${process.env.PATH}` };
    const { stdout } = await runShell(line, { cwd: folder, env });
    if (output.length > 0) expect(plain(stdout.toString())).toMatch(patternOf(output));
  });
});

/** Ages and the widths of columns are left out: they change with the day. */
function plain(text: string): string {
  return text.replaceAll(/\d+ \w+ ago/g, 'AGO').replaceAll(/ +/g, ' ');
}

/** What a console shows, `…` standing for anything, and alone in a line for any number of lines. */
function patternOf(output: readonly string[]): RegExp {
  const lines = output.map((line) => {
    if (line === '…') return '(?:.*\\n)*';
    return `${plain(line)
      .replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
      .replaceAll('…', '.*')} *\\n`;
  });
  return new RegExp(`^${lines.join('')}$`);
}
