import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { OPTION_TABLE } from '#dimgx/cli/options/option-table.js';
import { startDimgx } from '../helpers/run-dimgx.js';
import { callDimgx } from '../helpers/shared-dimgx.js';

test.each(['-V', '--version', '--vers'])('%s prints the version of the package', async (option) => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(await callDimgx(option)).toEqual({ stdout: `dimgx ${version}\n`, stderr: '', code: 0, signal: null });
});

test('--help names every option, with examples, on standard output', async () => {
  const { stdout, stderr, code } = await callDimgx('--help');
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  for (const name of Object.keys(OPTION_TABLE)) expect(stdout).toMatch(new RegExp(`--${name}\\b`));
  expect(stdout).toContain('-t, --target=PATH');
  expect(stdout).toContain('docker save alpine | dimgx -t - - | tar x');
  expect(stdout.endsWith('\n')).toBe(true);
});

describe('the help', () => {
  const helpOf = async (...command: readonly string[]) => (await callDimgx(...command, '--help')).stdout;

  test('breaks no example, and has at most 80 columns in the text below', async () => {
    expect(await helpOf('login')).toMatch(/^ {2}dimgx login -u me .* < password$/m);
    const main = await helpOf();
    const last = main.slice(main.indexOf('IMAGE is'));
    expect(last.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('names the exit statuses of signals', async () => {
    expect(await helpOf()).toMatch(/129, 130 or 143 ended by SIGHUP, SIGINT .*SIGTERM;\n141 /);
  });

  test('gives the ranges of numbers', async () => {
    const help = await helpOf('pull');
    expect(help).toContain('layers at once, 1 to 64 ');
    expect(help).toContain('up to N times, 0 to 100 ');
  });

  test('says of -v only what the command does', async () => {
    expect(await helpOf()).toContain('report what is written (info)');
    expect(await helpOf('tags')).not.toContain('written');
  });
});

describe('commands that are options, too', () => {
  test('version', async () => expect(await callDimgx('version')).toEqual(await callDimgx('--version')));

  test.each([
    ['help', []],
    ['help pull', ['pull']],
    ['help cache', ['cache']],
    ['help cache ls', ['cache', 'ls']],
    ['help --help', []],
    ['help help', []],
    ['help version', []],
  ])('%s', async (line, command) => {
    const { stdout, stderr, code } = await callDimgx(...line.split(' '));
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(stdout).toBe((await callDimgx(...command, '--help')).stdout);
  });
});

describe('bad usage is one line on standard error, and exit 1', () => {
  test.each([
    ['no image', []],
    ['an unknown option', ['--bogus', 'x']],
    ['two images', ['x', 'y']],
    ['a missing value', ['x', '-t']],
    ['a bad number', ['--threads', 'many', 'x']],
    ['a bad choice', ['--log-level', 'loud', 'x']],
    ['a bad format', ['--log-format', '%(bogus)s', 'x']],
    ['a line break in an option', ['--bo\ngus', 'x']],
    ['help for an unknown command', ['help', 'nonsense']],
  ])('%s', async (_, args) => {
    const { stdout, stderr, code } = await callDimgx(...args);
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    expect(stderr).toMatch(/^dimgx: DIMGX_USAGE: .*: see dimgx --help\n$/);
  });
});

test('a reader that has gone ends it with 141 and without a word', async () => {
  const { process: child, ended } = startDimgx('--help');
  child.stdout.destroy();
  expect(await ended).toMatchObject({ stderr: '', code: 141, signal: null });
});

test.skipIf(process.platform !== 'linux')('an output that takes nothing more is a failure', async () => {
  const child = spawn('sh', ['-c', '"$0" "$1" --help > /dev/full', process.execPath, 'bin/dimgx.js']);
  const err: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code).toBe(2);
  expect(Buffer.concat(err).toString()).toMatch(
    /^dimgx: DIMGX_TARGET_NO_SPACE: there is no space left to write standard output: .*\n$/,
  );
});
