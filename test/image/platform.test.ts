import { describe, expect, test } from 'vitest';
import { choosePlatform, defaultPlatform, formatPlatform, parsePlatform, platformOf } from '#dimgx/image/platform.js';

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
    ['LINUX/X86-64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64/v1'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['linux/arm64/v8', 'linux/arm64/v8'],
    ['linux/AArch64/8', 'linux/arm64/v8'],
    ['linux/arm64/v8.0', 'linux/arm64/v8'],
    ['linux/arm64/9', 'linux/arm64/v9'],
    ['linux/arm64/v8.2', 'linux/arm64/v8.2'],
    ['linux/arm', 'linux/arm'],
    ['linux/arm/7', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['linux/armv7l', 'linux/arm/v7'],
    ['linux/ppc64el', 'linux/ppc64le'],
    ['linux/mips/softfloat', 'linux/mips/softfloat'],
    ['macOS/arm64', 'darwin/arm64'],
    ['windows/amd64', 'windows/amd64'],
    ['linux/constructor', 'linux/constructor'],
  ])('reads %s as %s', (text, expected) => {
    expect(formatPlatform(parsePlatform(text))).toBe(expected);
  });

  test.each(['', 'linux', 'amd', 'linux/', '/amd64', 'linux/amd64/', 'a/b/c/d', 'linux/am d'])('refuses %j', (text) => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'DIMGX_OPTION_INVALID' }));
  });
});

describe('an architecture alone', () => {
  test.each(['arm64', 'aarch64', 'AMD64', 'x86_64', 'armhf', 's390x', 'riscv64'])('%s is for linux', (name) => {
    expect(parsePlatform(name)).toEqual(parsePlatform(`linux/${name}`));
  });

  test.each(['linux', 'all', 'v8', ''])('is not %j', (name) => {
    expect(() => parsePlatform(name)).toThrow(expect.objectContaining({ code: 'DIMGX_OPTION_INVALID' }));
  });
});

describe('DOCKER_DEFAULT_PLATFORM', () => {
  test('is preferred to the machine', () => {
    expect(defaultPlatform({ DOCKER_DEFAULT_PLATFORM: 'linux/s390x' })).toEqual(parsePlatform('linux/s390x'));
    expect(defaultPlatform({ DOCKER_DEFAULT_PLATFORM: '' })).toEqual(defaultPlatform({}));
  });

  test('is named when it holds something else', () => {
    const message =
      'DOCKER_DEFAULT_PLATFORM is "every", which is not a platform: write os/arch[/variant], such as linux/arm64';
    expect(() => defaultPlatform({ DOCKER_DEFAULT_PLATFORM: 'every' })).toThrow(message);
  });
});

describe('platformOf', () => {
  test('spells what an index, a config or an engine says as parsePlatform does', () => {
    expect(platformOf({ os: 'Linux', architecture: 'x86_64', variant: '' })).toEqual(parsePlatform('linux/amd64'));
    expect(platformOf({ os: 'linux', architecture: 'aarch64', variant: '8' })).toEqual(parsePlatform('linux/arm64/v8'));
    expect(platformOf({ os: 'linux', architecture: 'armhf', variant: null })).toEqual(parsePlatform('linux/arm/v7'));
  });

  test.each([
    undefined,
    null,
    {},
    { os: 'linux' },
    { os: '', architecture: 'arm' },
    { os: 'linux', architecture: null },
  ])('is undefined where %j does not say enough', (parts) => expect(platformOf(parts)).toBeUndefined());
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
    expect(choose('linux/arm64/v8.2', 'linux/arm64', 'linux/arm64/v8.1', 'linux/arm64/v8.3')).toBe('linux/arm64/v8.1');
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
