import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { OptionRow } from '#dimgx/cli/options/option-row.js';
import { OPTION_TABLE } from '#dimgx/cli/options/option-table.js';
import { CODECS, type CodecName } from '#dimgx/compression/codecs.js';
import { COMPRESSION } from './conformance/rules/compression.js';
import { Page, ROOT } from './docs/markdown.js';

/** The files of `src/`, from the folder of the clone. */
const SOURCES = readdirSync(`${ROOT}src`, { recursive: true })
  .map((name) => `src/${name}`)
  .filter((name) => name.endsWith('.ts'));

const textOf = (name: string) => readFileSync(ROOT + name, 'utf8');

/** Files whose code has two of the names near each other, as texts or as keys. */
function filesThatList(names: readonly string[], but: RegExp): readonly string[] {
  const name = `(?:['"\`](?:${names.join('|')})['"\`]|\\b(?:${names.join('|')}):)`;
  const list = new RegExp(`${name}[^;]{0,60}?${name}`);
  const codeOf = (file: string) => textOf(file).replaceAll(/\/\*.*?\*\/|\/\/ [^\n]*/gs, '');
  return SOURCES.filter((file) => !but.test(file) && list.test(codeOf(file)));
}

describe('codecs', () => {
  const names = Object.keys(CODECS) as CodecName[];
  const flags = Object.entries<OptionRow>(OPTION_TABLE).filter(([, { slot }]) => slot === 'compression');

  /** `0 to 9 for gzip and xz, 1 to 9 for bzip2`. */
  const rangeOf = (name: CodecName) => `${CODECS[name].levels.lowest} to ${CODECS[name].levels.highest}`;
  const levels = [...new Set(names.map(rangeOf))]
    .map((range) => `${range} for ${names.filter((name) => rangeOf(name) === range).join(' and ')}`)
    .join(', ');

  test('each has a flag of its name, and each flag a codec', () => {
    expect(flags.map(([name]) => name)).toEqual([...names, 'no-compress']);
    for (const [name, { describe }] of flags.slice(0, -1)) expect(describe).toBe(`compress with ${name}`);
  });

  test('the levels are told with the options', () => {
    expect(OPTION_TABLE['compress-level'].describe).toBe(`compression level: ${levels}`);
    expect(textOf('src/options.ts')).toContain(`/** ${levels}. Default: the codec's default. */`);
  });

  test('no extension and no first bytes are those of two codecs', () => {
    const codecs = Object.values(CODECS);
    const extensions = codecs.flatMap((codec) => codec.extensions);
    expect(new Set(extensions).size).toBe(extensions.length);
    const magics = codecs.map(({ magic }) => magic.join());
    expect(magics.filter((magic) => magics.some((other) => other !== magic && other.startsWith(magic)))).toEqual([]);
  });

  test('docs/output.md says how each is chosen and what of it is read', () => {
    const rows = new Page('docs/output.md').section('## Compression').rows;
    const told = names.map((name) => {
      const { extensions, levels } = CODECS[name];
      const { alias }: OptionRow = OPTION_TABLE[name];
      return [
        name,
        [...(alias ? [`\`-${alias}\``] : []), `\`--${name}\``].join(', '),
        extensions.map((extension) => `\`${extension.startsWith('.t') ? '' : '.tar'}${extension}\``).join(', '),
        `${levels.lowest}–${levels.highest}, default ${levels.standard}`,
      ];
    });
    const written = rows.filter((cells) => cells.length === 5).map((cells) => cells.slice(0, 4));
    expect(written.sort()).toEqual(told.sort());
    const read = rows.filter((cells) => cells.length === 2).map(([name]) => name);
    expect(read.sort()).toEqual([...names].sort());
  });

  test.each(names)('%s is in the conformance table, and has tests', (name) => {
    expect(JSON.stringify(COMPRESSION)).toContain(name);
    const tests = ['damaged', 'destroyed', 'gigabytes'].map((file) => `test/compression/${file}.test.ts`);
    expect(tests.filter((file) => !textOf(file).includes(`'${name}'`))).toEqual([]);
    const own = [`${name}.test.ts`, `${name}-encoder.test.ts`];
    expect(readdirSync(`${ROOT}test/compression`)).toEqual(expect.arrayContaining(own));
  });

  test('no other file of src/ lists them', () => {
    expect(filesThatList(names, /^src\/cli\/options\//)).toEqual([]);
  });
});
