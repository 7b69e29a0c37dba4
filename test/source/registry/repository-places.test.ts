import { describe, expect, it, test } from 'vitest';
import type { Warning } from '#dimgx/errors.js';
import { parseRegistryName } from '#dimgx/reference/registry-name.js';
import { repositoryPlaces } from '#dimgx/source/registry/repository-places.js';
import { codeOf } from '../../helpers/opened-engine.js';
import { newUser } from '../../helpers/user.js';

interface Given {
  readonly mirrors?: readonly string[];
  /** `registries.conf`. */
  readonly conf?: string;
}

const placesOf = async (name: string, { mirrors = [], conf = '' }: Given = {}) => {
  await newUser({ 'registries.conf': conf });
  const warnings: Warning[] = [];
  const warn = (warning: Warning) => void warnings.push(warning);
  const places = await repositoryPlaces({ name: parseRegistryName(name), mirrors, env: process.env, warn });
  return { warnings, places };
};

/** In short. */
const shown = async (name: string, given: Given = {}) => {
  const { places, warnings } = await placesOf(name, given);
  expect(warnings).toEqual([]);
  return places.map(({ scheme, registry, path, isInsecure, serves }) =>
    [`${scheme ? `${scheme}://` : ''}${registry}/${path}`, isInsecure ? '!' : '', serves === 'all' ? '' : serves].join(
      '',
    ),
  );
};

describe('a repository is', () => {
  test.each([
    ['alpine', 'docker.io/library/alpine'],
    ['index.docker.io/a/b', 'docker.io/a/b'],
    ['h:1/a/b/c', 'h:1/a/b/c'],
    ['localhost/a', 'localhost/a'],
    ['[::1]:5000/a', '[::1]:5000/a'],
  ])('of %s at %s', async (name, place) => {
    expect(await shown(name)).toEqual([place]);
  });
});

describe('a mirror that is named', () => {
  test.each([
    ['docker.io=https://m.example', ['https://m.example/library/alpine', 'docker.io/library/alpine']],
    ['registry-1.docker.io=m.example', ['m.example/library/alpine', 'docker.io/library/alpine']],
    ['docker.io=http://m.example:5000/hub/', ['http://m.example:5000/hub/library/alpine', 'docker.io/library/alpine']],
    ['docker.io=https://m.example/v2/', ['https://m.example/library/alpine', 'docker.io/library/alpine']],
    ['quay.io=https://m.example', ['docker.io/library/alpine']],
  ])('%s', async (mirror, places) => {
    expect(await shown('alpine', { mirrors: [mirror] })).toEqual(places);
  });

  test.each([
    'm.example',
    '=m',
    'docker.io=',
    'docker.io=ftp://x',
    'docker.io=https://me:s3cret@m',
    'docker.io=https://m?x',
  ])('is refused when it is malformed: %s', async (mirror) => {
    expect(await codeOf(placesOf('alpine', { mirrors: [mirror] }))).toBe('DIMGX_CLI_USAGE');
    await expect(placesOf('alpine', { mirrors: [mirror] })).rejects.not.toThrow('s3cret');
  });
});

describe("Podman's configuration", () => {
  const rule = (...lines: string[]) => `[[registry]]\n${lines.join('\n')}\n`;
  const mirror = (...lines: string[]) => `[[registry.mirror]]\n${lines.join('\n')}`;

  test.each([
    [
      'mirrors, in their order',
      rule(
        'location="docker.io"',
        mirror('location="one.example"'),
        mirror('location="two.example/hub"', 'insecure=true'),
      ),
      ['one.example/library/alpine', 'two.example/hub/library/alpine!', 'docker.io/library/alpine'],
    ],
    [
      'mirrors for digests or tags alone',
      rule(
        'location="docker.io"',
        mirror('location="one.example"', 'pull-from-mirror="digest-only"'),
        mirror('location="two.example"', 'pull-from-mirror="tag-only"'),
      ),
      ['one.example/library/alpinedigest', 'two.example/library/alpinetag', 'docker.io/library/alpine'],
    ],
    [
      'mirrors for digests alone, all of them',
      rule('location="docker.io"', 'mirror-by-digest-only=true', mirror('location="one.example"')),
      ['one.example/library/alpinedigest', 'docker.io/library/alpine'],
    ],
    [
      'another place for what begins in some way',
      rule('prefix="docker.io/library"', 'location="inside.example/hub"', 'insecure=true'),
      ['inside.example/hub/alpine!'],
    ],
    [
      'the longest beginning counts',
      rule('prefix="docker.io"', 'location="one.example"') +
        rule('prefix="docker.io/library"', 'location="two.example/x"'),
      ['two.example/x/alpine'],
    ],
    [
      'only whole parts of a name',
      rule('prefix="docker.io/lib"', 'location="one.example"'),
      ['docker.io/library/alpine'],
    ],
    ['nothing for others', rule('location="quay.io"', mirror('location="one.example"')), ['docker.io/library/alpine']],
    ['what else it holds does not matter', 'unqualified-search-registries=["x"]\n', ['docker.io/library/alpine']],
  ])('%s', async (_, conf, places) => {
    expect(await shown('alpine', { conf })).toEqual(places);
  });

  it('may mean all hosts of a domain', async () => {
    const conf = rule('prefix="*.example"', 'insecure=true');
    expect(await shown('a.example/x', { conf })).toEqual(['a.example/x!']);
    expect(await shown('a.another/x', { conf })).toEqual(['a.another/x']);
  });

  it('comes after the mirrors that are named', async () => {
    const conf = rule('location="docker.io"', mirror('location="one.example"'));
    expect(await shown('alpine', { conf, mirrors: ['docker.io=two.example'] })).toEqual([
      'two.example/library/alpine',
      'one.example/library/alpine',
      'docker.io/library/alpine',
    ]);
  });

  it('may block a registry', async () => {
    const conf = rule('location="docker.io"', 'blocked=true');
    expect(await codeOf(placesOf('alpine', { conf }))).toBe('DIMGX_SOURCE_REGISTRY_DENIED');
  });

  test.each([
    '[[registry]]\nlocation=',
    '[[registry]]\nlocation=5',
    '[[registry]]\n[[registry.mirror]]\ninsecure=true',
  ])('is passed over with a warning when it cannot be read: %j', async (conf) => {
    const { places, warnings } = await placesOf('alpine', { conf });
    expect(places).toHaveLength(1);
    expect(warnings).toMatchObject([
      { code: 'DIMGX_SOURCE_MIRROR', message: expect.stringContaining('registries.conf') },
    ]);
    expect(warnings[0]?.message).toMatch(/^[^\p{Cc}]+$/u);
  });
});
