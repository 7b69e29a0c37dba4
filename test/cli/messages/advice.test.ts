import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ADVICE_BY_CODE, ADVICE_BY_OPTION, adviceFor } from '#dimgx/cli/messages/advice.js';
import { OPTION_TABLE } from '#dimgx/cli/options/option-table.js';
import { DimgxError } from '#dimgx/errors.js';

const SRC = fileURLToPath(new URL('../../../src/', import.meta.url));
const FLAG = /(?<![\w-])--[a-z][a-z-]*/g;
const flags = new Set(Object.keys(OPTION_TABLE).map((name) => `--${name}`));
const advice: readonly string[] = [...Object.values(ADVICE_BY_CODE), ...Object.values(ADVICE_BY_OPTION)];

/** The lines of the library that are neither comments nor in the table of codes, whose meanings name flags too. */
function libraryLines(): readonly string[] {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.startsWith('cli/') && name !== 'error-table.ts',
  );
  return files.flatMap((name) =>
    readFileSync(join(SRC, name), 'utf8')
      .split('\n')
      .filter((line) => !/^\s*(?:\/?\*|\/\/)/.test(line))
      .map((line) => `${name}: ${line.trim()}`),
  );
}

describe('the library', () => {
  test('names no flag of the command line', () => {
    // `docker --host` is an argument of another program
    const isForeign = (line: string) => line.startsWith('engine/') && line.includes("['--host', ");
    const naming = libraryLines().filter((line) => (line.match(FLAG) ?? []).some((flag) => flags.has(flag)));
    expect(naming.filter((line) => !isForeign(line))).toEqual([]);
    expect(naming).toHaveLength(1);
  });

  test('names no command of dimgx that stores credentials', () => {
    expect(libraryLines().filter((line) => /dimgx log(?:in|out)/.test(line))).toEqual([]);
  });
});

describe('the advice of the command line', () => {
  test('names only flags that there are, and each names one', () => {
    const named = advice.map((text) => text.match(FLAG) ?? []);
    expect(named.filter((found) => found.length === 0)).toEqual([]);
    expect(named.flat().filter((flag) => !flags.has(flag))).toEqual([]);
  });

  test('follows from the code', () => {
    const error = new DimgxError('DIMGX_SOURCE_NO_SPACE', 'there is no room');
    expect(adviceFor(error)).toBe('; choose another folder with --tmp-dir');
  });

  test('follows from the options that the error names', () => {
    const error = new DimgxError('DIMGX_REGISTRY_TLS', 'no TLS', { options: ['caFile', 'insecure'] });
    expect(adviceFor(error)).toBe('; name its certificate authority with --ca-file, or allow it with --insecure');
  });

  test('names the registry that wants credentials', () => {
    const error = new DimgxError('DIMGX_REGISTRY_DENIED', 'HTTP 401', { registry: 'reg.test:5000' });
    expect(adviceFor(error)).toBe('; store them with `dimgx login reg.test:5000`');
  });

  test('is empty for all others', () => {
    expect(adviceFor(new DimgxError('DIMGX_REGISTRY_FAILED', 'HTTP 500'))).toBe('');
  });
});
