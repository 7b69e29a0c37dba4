import { mkdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/members.js';
import { runDimgxIn } from '../helpers/run-dimgx.js';
import { callDimgx } from '../helpers/shared-dimgx.js';

async function usageMessage(line: string): Promise<string> {
  const { stdout, stderr, code } = await callDimgx(...line.split(' '));
  expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
  return stderr.replace(/^dimgx: DIMGX_USAGE: /, '').trimEnd();
}

describe('a mistyped command with operands is bad usage, and the command is suggested', () => {
  test.each([
    ['pul x', 'pul', 'pull'],
    ['tgas debian', 'tgas', 'tags'],
    ['serach x', 'serach', 'search'],
    ['cach ls', 'cach ls', 'cache ls'],
    ['cach x', 'cach', 'cache'],
    ['cach prnue --json', 'cach prnue', 'cache prune'],
    ['completions bash', 'completions', 'completion'],
    ['hlep pull', 'hlep', 'help'],
    ['help cache l', 'cache l', 'cache ls'],
    ['help serach x', 'serach', 'search'],
  ])('%s', async (line, typed, meant) => {
    expect(await usageMessage(line)).toBe(`there is no command "${typed}"; did you mean "${meant}"? See dimgx --help`);
  });

  test('but an image or a path is none', async () => {
    for (const line of ['pul:1 x', './pul x', 'pul.tar x', 'debian alpine']) {
      expect(await usageMessage(line)).toMatch(/^only one image at a time/);
    }
    const cwd = await temporaryFolder();
    await mkdir(`${cwd}/pul`);
    const { stderr } = await runDimgxIn({ cwd }, 'pul', 'x');
    expect(stderr).toContain('only one image at a time');
  });
});

describe('the command comes first', () => {
  test.each([
    ['-v tags debian', 'tags'],
    ['-v cache ls', 'cache'],
    ['-q debian tags', 'tags'],
    ['-v help pull', 'help'],
    ['-q -- pull x', 'pull'],
  ])('%s', async (line, command) => {
    expect(await usageMessage(line)).toBe(`the command comes first: dimgx ${command} …: see dimgx --help`);
  });

  test.each([
    ['-a pull x', 'unknown option -a; the command comes first: dimgx pull …: see dimgx --help'],
    ['serach --limit=5 x', 'unknown option --limit; did you mean the command search? See dimgx --help'],
    ['version --json', 'version takes no options and no operands: see dimgx --help'],
    ['help -x', 'help takes the name of a command, such as "pull", not "-x": see dimgx --help'],
    ['help pull tags', 'help takes one command, not also "tags"; did you mean "help pull"? See dimgx --help'],
  ])('%s: %s', async (line, message) => expect(await usageMessage(line)).toBe(message));
});

describe('one word that is no image is taken for a command', () => {
  test.each([
    ['pul', 'did you mean the command pull?'],
    ['helpp', 'did you mean the command help?'],
    ['vesrion', 'did you mean the command version?'],
    ['-q pull', 'the command comes first: dimgx pull …'],
    ['-vvv version', 'the command comes first: dimgx version'],
  ])('%s: %s', async (line, hint) => {
    const { stderr, code } = await callDimgx('--host', 'unix:///nonexistent', ...line.split(' '));
    expect(code).toBe(2);
    expect(stderr).toContain(`; ${hint}\n`);
  });

  test.each(['docker-daemon:pull', 'nonsense'])('but not %s', async (image) => {
    const { stderr } = await callDimgx('--host', 'unix:///nonexistent', image);
    expect(stderr).not.toMatch(/command/);
  });
});
