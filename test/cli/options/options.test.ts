import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_COMMAND } from '#dimgx/cli/commands/command-table.js';
import { commandLineReader } from '../../helpers/read-line.js';

const readLine = await commandLineReader({ name: '', row: DEFAULT_COMMAND, args: [] });

function parse(...args: string[]) {
  const line = readLine(args);
  if (!line) throw new Error('it asks for help or the version');
  return line;
}

function library(...args: string[]) {
  return parse(...args, 'image').library;
}

test('an image alone is listed, with nothing but defaults', () => {
  expect(parse('image')).toEqual({
    operands: ['image'],
    given: { verbose: 0 },
    library: {},
    json: false,
    messages: { level: 'warning', format: undefined, progress: 'auto' },
  });
});

test('a target makes it flatten', () => {
  expect(parse('-t', '-', '-')).toMatchObject({ given: { target: '-' }, operands: ['-'] });
});

test.each<[string, object]>([
  ['-l @1 -l2b:3c', { layers: ['@1', '2b:3c'] }],
  ['-r', { reverse: true }],
  ['-rR', {}],
  ['-s', { strict: true }],
  ['-sS', {}],
  ['-w', { force: true }],
  ['-wW', {}],
  ['-z', { compression: 'gzip' }],
  ['-j', { compression: 'bzip2' }],
  ['-J', { compression: 'xz' }],
  ['--zstd', { compression: 'zstd' }],
  ['-zC', { compression: 'none' }],
  ['--compress-level 0', { level: 0 }],
  ['--compress-level=19', { level: 19 }],
  ['--platform linux/arm/v7', { platform: 'linux/arm/v7' }],
  ['--image @0', { image: '@0' }],
  ['--no-cache', { cache: false }],
  ['--offline', { offline: true }],
  ['--tmp-dir /var/tmp', { tmpDir: '/var/tmp' }],
  ['--threads 4', { threads: 4 }],
  ['--no-verify', { verify: false }],
  ['--no-verify --verify', { verify: true }],
  ['--strict-input', { strictInput: true }],
  ['--max-size 10G', { limits: { maxSize: 10 * 2 ** 30 } }],
  ['--max-entries 5', { limits: { maxEntries: 5 } }],
  ['--max-entries 5 --max-size 1', { limits: { maxEntries: 5, maxSize: 1 } }],
  ['--pull', { pull: 'missing' }],
  ['--pull=always', { pull: 'always' }],
  ['--pull=never', { pull: 'never' }],
  ['--host=unix:///x', { host: 'unix:///x' }],
  ['--host tcp://x:1', { host: 'tcp://x:1' }],
])('%s', (line, options) => {
  expect(library(...line.split(' '))).toEqual(options);
});

test.each(['0123', '1e5', '0x10', 'true', '-', '--', "'quoted'", '"', '', ' ', 'a=b', '@-1', '-l'])(
  'the spec %j stays the text it is',
  (spec) => {
    expect(library('-l', spec)).toEqual({ layers: [spec] });
    expect(library('-l', 'x', '-l', spec, '-l', 'y')).toEqual({ layers: ['x', spec, 'y'] });
  },
);

test('any text passes unharmed as a value and as an operand', () => {
  const text = fc.string({ minLength: 1, unit: 'binary' });
  fc.assert(
    fc.property(text, text, fc.array(fc.string()), (target, reference, layers) => {
      const specs = layers.flatMap((spec) => ['-l', spec]);
      const line = parse(`--target=${target}`, ...specs, '--', reference);
      expect(line).toMatchObject({ given: { target }, operands: [reference] });
      expect(line.library.layers ?? []).toEqual(layers);
    }),
  );
});

test.each([
  ['', 'warning'],
  ['--log-level ERROR', 'error'],
  ['--log-level=Debug', 'debug'],
  ['-v', 'info'],
  ['-vv', 'debug'],
  ['-vvvv', 'debug'],
  ['--log-level error -v', 'info'],
  ['--log-level debug -v', 'debug'],
])('the log level of "%s" is %s', (line, level) => {
  expect(parse(...line.split(' ').filter(Boolean), 'image').messages.level).toBe(level);
});

describe('bad usage', () => {
  test.each([
    ['no image', []],
    ['an empty image', ['']],
    ['two images', ['a', 'b']],
    ['an empty target', ['-t', '', 'a']],
    ['a level that is no number', ['--compress-level', 'x', 'a']],
    ['a level with a fraction', ['--compress-level', '1.5', 'a']],
    ['a level below zero', ['--compress-level', '-1', 'a']],
    ['a level too high', ['--compress-level', '20', 'a']],
    ['no threads', ['--threads', '0', 'a']],
    ['threads in exponents', ['--threads', '1e1', 'a']],
    ['an empty number', ['--threads=', 'a']],
    ['no entries', ['--max-entries', '0', 'a']],
    ['a size of nothing', ['--max-size', '0', 'a']],
    ['a size without digits', ['--max-size', 'G', 'a']],
    ['a size in strange units', ['--max-size', '10X', 'a']],
    ['a size beyond all numbers', ['--max-size', '99999999P', 'a']],
    ['a platform without an architecture', ['--platform', 'linux', 'a']],
    ['an unknown level', ['--log-level', 'loud', 'a']],
    ['an unknown choice of bars', ['--progress', 'sometimes', 'a']],
    ['an unknown choice of pulls', ['--pull=perhaps', 'a']],
  ])('%s', (_, args) => {
    expect(() => parse(...args)).toThrow(expect.objectContaining({ code: 'DIMGX_USAGE', exitCode: 1 }));
  });

  test('is told on one line, whatever it was', () => {
    expect(() => parse('--max-size', 'a\n\x1b[2Jb', 'image')).toThrow(/^\P{Cc}*$/u);
  });
});

test.each([
  ['500', 500],
  ['500B', 500],
  ['1k', 1024],
  ['1K', 1024],
  ['1KiB', 1024],
  ['1kB', 1000],
  ['500M', 500 * 2 ** 20],
  ['10GB', 10e9],
  ['1.5G', 1.5 * 2 ** 30],
  ['1TiB', 2 ** 40],
  ['2 T', 2 ** 41],
])('the size %s is %d bytes', (text, bytes) => {
  expect(library('--max-size', text)).toEqual({ limits: { maxSize: bytes } });
});
