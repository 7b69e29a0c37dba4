import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normaliseArgv } from '#dimgx/cli/options/argv.js';
import type { OptionRow } from '#dimgx/cli/options/option-row.js';
import { OPTION_TABLE } from '#dimgx/cli/options/option-table.js';

function parse(...args: string[]) {
  return normaliseArgv(args, OPTION_TABLE);
}

function optionsOf(line: string): readonly string[] {
  return parse(...line.split(' ').filter((word) => word !== '')).options;
}

describe('spellings', () => {
  test.each([
    ['-tout.tar', ['--target=out.tar']],
    ['-t out.tar', ['--target=out.tar']],
    ['-t=out.tar', ['--target=out.tar']],
    ['--target=out.tar', ['--target=out.tar']],
    ['--target out.tar', ['--target=out.tar']],
    ['--targ out.tar', ['--target=out.tar']],
    ['--t=out.tar', ['--target=out.tar']],
    ['-t-', ['--target=-']],
    ['-t -', ['--target=-']],
    ['-t -z', ['--target=-z']],
    ['-t --', ['--target=--']],
    ['--target --force', ['--target=--force']],
    ['--target=', ['--target=']],
    ['-lcd5e:6667', ['--layers=cd5e:6667']],
    ['-l@-1', ['--layers=@-1']],
    ['-zw', ['--gzip', '--force']],
    ['-qr', ['--quiet', '--reverse']],
    ['-zwtout.tar', ['--gzip', '--force', '--target=out.tar']],
    ['-zwt out.tar', ['--gzip', '--force', '--target=out.tar']],
    ['-zwt-w', ['--gzip', '--force', '--target=-w']],
    ['-vv', ['--verbose', '--verbose']],
    ['--pull', ['--pull=missing']],
    ['--pull=always', ['--pull=always']],
  ])('%s', (line, options) => {
    expect(optionsOf(line)).toEqual(options);
    expect(parse(...line.split(' ')).operands).toEqual([]);
  });

  test('a bare --pull does not take the image for its value', () => {
    expect(parse('--pull', 'alpine')).toEqual({ options: ['--pull=missing'], operands: ['alpine'] });
  });

  test('options stand before and after operands', () => {
    expect(parse('-q', 'image', '-r')).toEqual({ options: ['--quiet', '--reverse'], operands: ['image'] });
  });

  test('a dash is an operand', () => {
    expect(parse('-t', '-', '-')).toEqual({ options: ['--target=-'], operands: ['-'] });
  });

  test('two dashes end the options', () => {
    expect(parse('-q', '--', '-r', '--', '--bogus').operands).toEqual(['-r', '--', '--bogus']);
  });
});

describe('repetition', () => {
  test.each([
    ['-r -R', ['--no-reverse']],
    ['-R -r', ['--reverse']],
    ['-rR', ['--no-reverse']],
    ['-sS -s', ['--strict']],
    ['-qQ', ['--no-quiet']],
    ['-wW', ['--no-force']],
    ['-z -C', ['--no-compress']],
    ['-C -j', ['--bzip2']],
    ['-jzJ', ['--xz']],
    ['-J --zstd', ['--zstd']],
    ['-ta -tb', ['--target=b']],
    ['--log-level=debug --log-level=error', ['--log-level=error']],
    ['--no-verify --verify', ['--verify']],
    ['-la -lb -la', ['--layers=a', '--layers=b', '--layers=a']],
  ])('of %s there remains %s', (line, options) => {
    expect(optionsOf(line)).toEqual(options);
  });
});

describe('abbreviations', () => {
  test.each([
    ['--rev', '--reverse'],
    ['--no-r', '--no-reverse'],
    ['--bzip', '--bzip2'],
    ['--js', '--json'],
    ['--no-verif', '--no-verify'],
  ])('%s is %s', (typed, full) => {
    expect(optionsOf(typed)).toEqual([full]);
  });

  test.each([
    ['--ver', '--version'],
    ['--h', '--help'],
    ['--stri', '--strict'],
    ['--no-s', '--no-strict'],
    ['--compress 3', '--compress-level=3'],
  ])('%s still is %s, though newer options begin alike', (line, full) => {
    expect(optionsOf(line)).toEqual([full]);
  });

  test.each(['--no', '--l', '--log', '--m', '--max-', '--x-y'])('%s is not understood', (typed) => {
    expect(() => optionsOf(typed)).toThrow(expect.objectContaining({ code: 'DIMGX_USAGE' }));
  });
});

test.each([
  ['an unknown long option', '--bogus'],
  ['an unknown letter', '-y'],
  ['an unknown letter in a cluster', '-zyw'],
  ['a missing value', '-t'],
  ['a missing value in a cluster', '-zwt'],
  ['a missing long value', '--layers'],
  ['a value for a flag', '--quiet=yes'],
  ['a value for a short flag', '-q=yes'],
  ['an inherited name', '--constructor'],
  ['a name in capitals', '--TARGET=x'],
])('%s is bad usage', (_, line) => {
  expect(() => optionsOf(line)).toThrow(expect.objectContaining({ code: 'DIMGX_USAGE', exitCode: 1 }));
});

test('help and version answer before what follows is looked at', () => {
  expect(parse('-q', '--version', '--bogus').options).toEqual(['--quiet', '--version']);
  expect(parse('-hy').options).toEqual(['--help']);
});

interface Wish {
  readonly name: keyof typeof OPTION_TABLE;
  readonly value: string;
  /** Which way of writing it, counted round. */
  readonly way: number;
}

/** All the ways to write an option, the plainest first. Clusters bring a `-w` along. */
function waysToWrite({ name, value }: Wish): readonly (readonly string[])[] {
  const row: OptionRow = OPTION_TABLE[name];
  const { alias } = row;
  if (row.type !== 'string') return [[`--${name}`], ...(alias ? [[`-${alias}`], [`-w${alias}`]] : [])];
  if (row.bare) return [[`--${name}=${value}`]];
  const short = [[`-${alias}`, value], [`-${alias}=${value}`], [`-w${alias}`, value], [`-w${alias}=${value}`]];
  return [[`--${name}=${value}`], [`--${name}`, value], ...(alias ? short : [])];
}

test('every spelling of the same options parses equal', () => {
  const names = (Object.keys(OPTION_TABLE) as (keyof typeof OPTION_TABLE)[]).filter((name) => {
    const row: OptionRow = OPTION_TABLE[name];
    return !row.answers && row.slot !== 'force';
  });
  const wish: fc.Arbitrary<Wish> = fc.record({
    name: fc.constantFrom(...names),
    value: fc.string({ unit: fc.constantFrom('-', '=', ':', 'a', '0', ' ', "'", '"', '\n', 'é') }),
    way: fc.nat(11),
  });
  fc.assert(
    fc.property(fc.array(wish), fc.nat(), (wishes, place) => {
      const words = wishes.map((each) => {
        const ways = waysToWrite(each);
        return ways[each.way % ways.length] ?? [];
      });
      words.splice(place % (words.length + 1), 0, ['image']);
      const plainly = wishes.flatMap((each) => waysToWrite(each)[0] ?? []);
      // The -W at the end overrules the -w of the clusters.
      expect(parse(...words.flat(), '-W')).toEqual(parse(...plainly, '-W', 'image'));
    }),
  );
});
