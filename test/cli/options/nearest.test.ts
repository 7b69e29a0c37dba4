import { describe, expect, test } from 'vitest';
import { nearest } from '#dimgx/cli/options/usage-error.js';
import { callDimgx } from '../../helpers/shared-dimgx.js';

const NAMES = ['pull', 'tags', 'images', 'cache ls', 'force', 'platform', 'plain-http'];

test.each([
  ['pul', 'pull'],
  ['plul', 'pull'],
  ['imagse', 'images'],
  ['chache ls', 'cache ls'],
  ['plattform', 'platform'],
  ['plainhttp', 'plain-http'],
  ['tgs', 'tags'],
  ['push', undefined],
  ['nonsense', undefined],
  ['', undefined],
  ['x'.repeat(1_000_000), undefined],
])('%.20s is most like %s', (word, name) => expect(nearest(word, NAMES)).toBe(name));

describe('what is not known, and is like a name, is told with it', () => {
  test.each([
    [['--tarket', 'x'], 'unknown option --tarket; did you mean --target\\?'],
    [['pull', '--platfrom=x', 'y'], 'unknown option --platfrom; did you mean --platform\\?'],
    [['cache', 'prnue'], 'there is no command "cache prnue"; did you mean "cache prune"\\?'],
    [['help', 'serach'], 'there is no command "serach"; did you mean "search"\\?'],
    [['cache'], 'cache needs another word, such as "cache ls"'],
    [['--nothing-like-it', 'x'], 'unknown option --nothing-like-it'],
  ])('%j', async (args, message) => {
    const { stderr, code } = await callDimgx(...args);
    expect(code).toBe(1);
    const pointer = message.endsWith('?') ? ' See' : ': see';
    expect(stderr).toMatch(new RegExp(`^dimgx: DIMGX_USAGE: ${message}${pointer} dimgx .*--help\n$`));
  });

  test.each(['imgaes', 'tgas'])('an image that is not there, by a word like a command: %s', async (word) => {
    const { stderr, code } = await callDimgx('--host', 'unix:///nonexistent', word);
    expect(code).toBe(2);
    expect(stderr).toMatch(/; did you mean the command (images|tags)\?\n$/);
  });
});
