import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { IMAGE_FORMS } from '#dimgx/cli/commands/command-help.js';
import type { OptionRow } from '#dimgx/cli/options/option-row.js';
import { OPTION_TABLE } from '#dimgx/cli/options/option-table.js';
import { CODECS, type CodecName } from '#dimgx/compression/codecs.js';
import { FORMS, transportOf } from '#dimgx/source/form/forms.js';
import { listImages } from '#dimgx/source/list-images.js';
import { parseReference } from '#dimgx/source/reference.js';
import { transportIn, type Usage } from '#dimgx/source/source.js';
import { SOURCES, USAGES } from '#dimgx/source/sources.js';
import { COMPRESSION } from './conformance/rules/compression.js';
import { Page, ROOT } from './docs/markdown.js';
import { imageForms } from './fuzz/seeds/images.js';
import { writeArchive } from './helpers/members.js';

/** The files of `src/`, from the folder of the clone. */
const FILES = readdirSync(`${ROOT}src`, { recursive: true })
  .map((name) => `src/${name}`)
  .filter((name) => name.endsWith('.ts'));

const textOf = (name: string) => readFileSync(ROOT + name, 'utf8');

/** How near each other two names stand in a list, in characters. */
const NEAR = 60;

/** Files whose code has two of the names near each other, as texts or as keys. */
function filesThatList(names: readonly string[], but: RegExp): readonly string[] {
  const any = names.join('|');
  const name = new RegExp(`['"\`](${any})['"\`]|\\b(${any}):`, 'g');
  const hasList = (file: string) => {
    const code = textOf(file).replaceAll(/\/\*.*?\*\/|\/\/ [^\n]*/gs, '');
    const found = [...code.matchAll(name)].map(({ index, 1: text, 2: key }) => ({ index, name: text ?? key }));
    return found.some((one, i) => {
      const next = found[i + 1];
      return next !== undefined && next.name !== one.name && next.index - one.index < NEAR;
    });
  };
  return FILES.filter((file) => !but.test(file) && hasList(file));
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
    for (const [name, { means, describe }] of flags.slice(0, -1)) {
      expect({ means, describe }).toEqual({ means: name, describe: `compress with ${name}` });
    }
  });

  test('the levels are told with the options', () => {
    const { describe, read } = OPTION_TABLE['compress-level'];
    expect(describe).toBe(`compression level: ${levels}`);
    const highest = Math.max(...names.map((name) => CODECS[name].levels.highest));
    expect(read('--compress-level', String(highest))).toBe(highest);
    expect(() => read('--compress-level', String(highest + 1))).toThrow(/whole number/);
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

  test('docs/library.md names each', () => {
    const rows = new Page('docs/library.md').section('## Options').rows;
    const [, meaning = ''] = rows.find(([option]) => option === '`compression`') ?? [];
    expect([...meaning.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(['none', ...names]);
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

describe('sources', () => {
  const transports = USAGES.map((usage) => transportIn<Usage>(usage));

  test('no two have the same transport', () => {
    const all = SOURCES.flatMap(({ usages }) => [...usages]);
    expect(new Set(all).size).toBe(all.length);
    expect(new Set(transports).size).toBe(all.length);
  });

  test.each(USAGES)('a reference is written as %s', (usage) => {
    const text = usage.replaceAll(/[[\]]/g, '').toLowerCase();
    expect(parseReference(text).transport).toBe(transportIn<Usage>(usage));
  });

  test('the help names each', () => {
    const told = IMAGE_FORMS.match(/[a-z-]+:[^\s,]+/g) ?? [];
    expect(told.sort()).toEqual([...USAGES].sort());
  });

  test('docs/sources.md says what each names', () => {
    const [first = ''] = new Page('docs/sources.md').lines.join('\n').split('\n## ');
    const told = new Page('docs/sources.md', first).rows.flatMap(([cell = '']) => /^`(.+:.+)`$/.exec(cell)?.[1] ?? []);
    expect(told.sort()).toEqual([...USAGES].sort());
  });

  test('the fuzzer has an image in each form', async () => {
    const seeds = imageForms().map(async (members) => {
      const names = members.map(([name]) => name);
      const { source } = await listImages(await writeArchive(Object.fromEntries(members)));
      return { names, transport: source.transport };
    });
    const all = await Promise.all(seeds);
    for (const form of FORMS) {
      const transport = transportOf(form, { isArchive: true });
      const isOf = ({ names, transport: found }: (typeof all)[number]) =>
        found === transport && form.marks.some((mark) => names.includes(mark));
      expect(all.some(isOf), transport).toBe(true);
    }
  });

  test('no other file of src/ lists them', () => {
    expect(filesThatList(transports, /^src\/(source\/form\/|cli\/commands\/command-help\.ts$)/)).toEqual([]);
  });
});
