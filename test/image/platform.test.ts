import { describe, expect, test } from 'vitest';
import { choosePlatform, defaultPlatform, formatPlatform, parsePlatform } from '#dimgx/image/platform.js';

function choose(wanted: string, ...offers: string[]) {
  return choosePlatform(parsePlatform(wanted), offers, (offer) => {
    const [os = '', architecture = '', variant] = offer.split('/');
    return { os, architecture, ...(variant && { variant }) };
  });
}

describe('parsePlatform', () => {
  test.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/arm/v7', 'linux/arm/v7'],
    ['Linux/x86_64', 'linux/amd64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/i386', 'linux/386'],
  ])('reads %s as %s', (text, expected) => {
    expect(formatPlatform(parsePlatform(text))).toBe(expected);
  });

  test.each(['', 'linux', 'amd64', 'linux/', '/amd64', 'linux/amd64/', 'a/b/c/d', 'linux/am d'])(
    'refuses %j',
    (text) => {
      expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'DIMGX_CLI_USAGE' }));
    },
  );
});

test('the default is linux in the names of the OCI', () => {
  const { os, architecture } = defaultPlatform();
  expect(os).toBe('linux');
  expect(['x64', 'ia32', 'aarch64', 'x86_64']).not.toContain(architecture);
});

describe('choosePlatform', () => {
  test('takes the same OS and architecture', () => {
    expect(choose('linux/amd64', 'windows/amd64', 'linux/arm64', 'linux/amd64')).toBe('linux/amd64');
  });

  test('takes the newest variant that is not newer than the wanted one', () => {
    expect(choose('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6', 'linux/arm/v8')).toBe('linux/arm/v6');
    expect(choose('linux/arm/v6', 'linux/arm/v7')).toBeUndefined();
  });

  test('knows which variant is meant when none is named', () => {
    expect(choose('linux/arm', 'linux/arm/v7')).toBe('linux/arm/v7');
    expect(choose('linux/arm64', 'linux/arm64/v8')).toBe('linux/arm64/v8');
    expect(choose('linux/amd64', 'linux/amd64/v3', 'linux/amd64')).toBe('linux/amd64');
    expect(choose('linux/amd64', 'linux/amd64/v3')).toBeUndefined();
  });

  test('takes the first of equals', () => {
    const offers = [{ name: 'a' }, { name: 'b' }];
    const chosen = choosePlatform(parsePlatform('linux/amd64'), offers, () => ({ os: 'linux', architecture: 'amd64' }));
    expect(chosen).toBe(offers[0]);
  });

  test('compares variants without a number as text', () => {
    expect(choose('linux/mips/softfloat', 'linux/mips/hardfloat', 'linux/mips/softfloat')).toBe('linux/mips/softfloat');
  });
});
