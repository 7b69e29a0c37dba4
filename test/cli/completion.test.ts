import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { lacks } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { runCommand } from '../helpers/run-command.js';
import { callDimgx } from '../helpers/shared-dimgx.js';

/** A folder with the script, and with a file and a folder to complete. */
async function scriptFor(shell: string): Promise<string> {
  const folder = await temporaryFolder();
  const { stdout, stderr, code } = await callDimgx('completion', shell);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  await writeFile(`${folder}/script`, stdout);
  await writeFile(`${folder}/image.tar`, '');
  return folder;
}

/** What is completed, the same in every shell: the line, something that must be offered, something that must not. */
const CASES: readonly (readonly [line: string, offered: readonly string[], not: readonly string[]])[] = [
  ['dimgx pu', ['pull'], ['push']],
  ['dimgx --tar', ['--target'], ['--tags']],
  ['dimgx ima', ['images', 'image.tar'], []],
  ['dimgx -t out.tar ima', ['image.tar'], ['images']],
  ['dimgx cache ', ['ls', 'verify', 'prune', 'rm'], ['pull']],
  ['dimgx cache prune --s', ['--size'], ['--strict']],
  ['dimgx tags --pl', ['--plain-http'], ['--platform']],
  ['dimgx --log-level ', ['error', 'warning', 'info', 'debug'], ['image.tar']],
  ['dimgx --tmp-dir ', [], ['image.tar']],
  ['dimgx ver', ['version'], []],
  ['dimgx completion ', ['bash', 'zsh', 'fish'], ['image.tar', '--help']],
  ['dimgx help ', ['pull', 'cache', 'completion'], ['image.tar', 'prune', 'help']],
  ['dimgx help cache ', ['ls', 'verify', 'prune', 'rm'], ['image.tar', 'pull']],
  ['dimgx help pull ', [], ['image.tar', 'pull', 'ls']],
  ['dimgx tags ima', [], ['image.tar']],
  ['dimgx images ima', ['image.tar'], []],
];

describe.skipIf(lacks('bash'))('in bash', () => {
  test.each([...CASES, ['dimgx --pull = mi', ['missing'], ['image.tar']] as const])(
    '%s',
    async (line, offered, not) => {
      const folder = await scriptFor('bash');
      const program = `
        source ./script
        COMP_WORDS=($1); case $1 in *' ') COMP_WORDS+=('') ;; esac
        COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
        _dimgx; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await runCommand('bash', ['-c', program, 'bash', line], { cwd: folder });
      expectOffers(stdout.toString().split('\n'), offered, not);
    },
  );
});

describe.skipIf(lacks('fish'))('in fish (needs it)', () => {
  const cases = [...CASES, ['dimgx --pull=', ['--pull=missing'], ['--pull=image.tar']] as const];
  test.each(cases)('%s', async (line, offered, not) => {
    const folder = await scriptFor('fish');
    const { stdout } = await runCommand('fish', ['-c', 'source ./script; complete -C $argv[1]', line], { cwd: folder });
    const words = stdout.toString().split('\n');
    expectOffers(
      words.map((word) => word.split('\t')[0] as string),
      offered,
      not,
    );
  });

  test('no value repeats the description of its option', async () => {
    const folder = await scriptFor('fish');
    const program = 'source ./script; complete -C "dimgx --log-level "; complete -C "dimgx --log-l"';
    const { stdout } = await runCommand('fish', ['-c', program], { cwd: folder });
    const described = stdout
      .toString()
      .split('\n')
      .filter((word) => word.includes('\t'));
    expect(described).toEqual([expect.stringMatching(/^--log-level\tprint messages/)]);
  });
});

/** zsh completes only at a terminal of its own, and redraws only what changes there: so it is asked for lists. */
describe.skipIf(lacks('zsh'))('in zsh (needs it)', () => {
  test.each([
    ['dimgx cache ', 'remove the least recently used blobs'],
    ['dimgx cache prune --', 'remove everything except downloads in progress'],
    ['dimgx tags --p', 'use plain HTTP for the registry'],
    ['dimgx --log-level ', 'warning'],
    ['dimgx --pull=', 'missing'],
    ['dimgx --blobs=x --no-', 'skip verification'],
    ['dimgx completion ', 'fish'],
    ['dimgx help ', 'list the tags of a repository'],
    ['dimgx help cache ', 'remove the least recently used blobs'],
    ['dimgx ', 'print help for a command'],
  ])('%s lists: %s', async (line, offered) => {
    const folder = await scriptFor('zsh');
    const program = `
      zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell "autoload -U compinit; compinit -u -D; source ./script; print rea''dy"
      zpty -r -m shell said '*ready*'
      zpty -w -n shell $1$'\t'
      zpty -r -m shell said "*$2*"
      zpty -d shell`;
    await runCommand('timeout', ['30', 'zsh', '-f', '-c', program, 'zsh', line, offered], { cwd: folder });
  });

  test('the script has no syntax error', async () => {
    await runCommand('zsh', ['-n', `${await scriptFor('zsh')}/script`]);
  });
});

function expectOffers(words: readonly string[], offered: readonly string[], not: readonly string[]): void {
  expect(words).toEqual(expect.arrayContaining([...offered]));
  for (const word of not) expect(words).not.toContain(word);
}

test.each([[], ['tcsh'], ['bash', 'zsh'], ['constructor']])('completion %s is bad usage', async (...args) => {
  const { stdout, stderr, code } = await callDimgx('completion', ...args);
  expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
  expect(stderr).toMatch(/^dimgx: DIMGX_USAGE: completion needs one of bash, zsh or fish: see /);
});
