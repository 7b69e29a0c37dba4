import { writeFile } from 'node:fs/promises';
import { describe, expect, it, test, vi } from 'vitest';
import type { Warning } from '#dimgx/errors.js';
import { parseRegistryName } from '#dimgx/reference/image-name.js';
import { repositoryPlaces } from '#dimgx/registry/repository-places.js';
import { codeOf } from '../helpers/opened-engine.js';
import { newUser } from '../helpers/user.js';

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
    expect(await codeOf(placesOf('alpine', { mirrors: [mirror] }))).toBe('DIMGX_OPTION_INVALID');
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
    expect(await codeOf(placesOf('alpine', { conf }))).toBe('DIMGX_REGISTRY_BLOCKED');
  });

  test.each([
    ['blanks in the brackets', '[[ registry ]]\nlocation="docker.io"\nblocked=true'],
    ['an inline table', 'registry = [{ location = "docker.io", blocked = true }]'],
    ['dotted and quoted keys', '[["registry"]]\n"location"="docker.io"\nmirror=[{location="x"}]\n"blocked"=true'],
    ['keys in upper case, as Go reads them', '[[Registry]]\nLocation="docker.io"\nBLOCKED=true'],
    ['version 1', '[registries.search]\nregistries=["a.example"]\n[registries.block]\nregistries=["docker.io"]'],
    ['version 1, dotted', 'registries.block.registries=["docker.io/"]'],
    ['version 1, inline', 'registries = { block = { registries = ["docker.io/library"] } }'],
    ['a slash at the end', '[[registry]]\nlocation="docker.io/library/"\nblocked=true'],
    ['a byte order mark and line ends of Windows', '\uFEFF[[registry]]\r\nlocation="docker.io"\r\nblocked=true\r\n'],
    [
      'of two rules for a prefix the first',
      `${rule('location="docker.io"', 'blocked=true')}[[registry]]\nprefix="docker.io"\nlocation="x.example"`,
    ],
    [
      'the place that a name is moved to',
      rule('prefix="docker.io"', 'location="x.example/hub"') + rule('location="x.example"', 'blocked=true'),
    ],
    [
      'an alias does not matter',
      `${rule('location="docker.io"', 'blocked=true')}[aliases]\n"Alpine"="a.example/a"\n"alpine"="b.example/b"`,
    ],
  ])('blocks a registry, written with %s', async (_, conf) => {
    expect(await codeOf(placesOf('alpine', { conf }))).toBe('DIMGX_REGISTRY_BLOCKED');
  });

  test.each([
    ['Reg.Test/a', 'reg.test'],
    ['reg.test/a', 'Reg.Test'],
    ['reg.test:443/a', 'reg.test'],
    ['reg.test/a', 'reg.test:443'],
    ['reg.test:5000/a', '*.test'],
    ['reg.test/a', '*.test'],
    ['reg.test:5000/a/b', 'reg.test:5000/a/b'],
  ])('blocks %s by %s', async (name, prefix) => {
    const conf = rule(`prefix="${prefix}"`, 'location="x.example"', 'blocked=true');
    expect(await codeOf(placesOf(name, { conf }))).toBe('DIMGX_REGISTRY_BLOCKED');
  });

  it('marks hosts of version 1 as insecure', async () => {
    const conf = '[registries.insecure]\nregistries=["reg.test:5000"]\n';
    expect(await shown('reg.test:5000/a', { conf })).toEqual(['reg.test:5000/a!']);
  });

  it('may move a wildcard to a place with a port', async () => {
    const conf = rule('prefix="*.test"', 'location="mirror.example:5000"');
    expect(await shown('reg.test:443/a', { conf })).toEqual(['mirror.example:5000/a']);
  });

  it('counts for the places that it leads to', async () => {
    const conf =
      rule('location="docker.io"', mirror('location="one.example"'), mirror('location="two.example"')) +
      rule('location="one.example"', 'insecure=true') +
      rule('location="two.example"', 'blocked=true');
    const { places, warnings } = await placesOf('alpine', { conf, mirrors: ['docker.io=https://two.example'] });
    expect(places.map(({ registry, isInsecure }) => [registry, isInsecure])).toEqual([
      ['one.example', true],
      ['docker.io', false],
    ]);
    expect(warnings.map(({ code }) => code)).toEqual([
      'DIMGX_REGISTRY_MIRROR_SKIPPED',
      'DIMGX_REGISTRY_MIRROR_SKIPPED',
    ]);
  });

  test.each([
    '[[registry]]\nlocation=',
    '[[registry]]\nlocation=5',
    '[[registry]]\nlocation="x"\nblocked="true"',
    '[[registry]]\nlocation="https://x"',
    '[[registry]]\nprefix="x"',
    '[[registry]]\nprefix="*.x:5000"',
    '[[registry]]\nblocked=true',
    '[[registry]]\nlocation="x"\npull-from-mirror="all"',
    '[[registry]]\nlocation="x"\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation="y"\npull-from-mirror="all"',
    '[[registry]]\nlocation="x"\n[[registry.mirror]]\ninsecure=true',
    '[[registry]]\nlocation="x"\n[[registry.mirror]]\nlocation="y"\npull-from-mirror="never"',
    '[[registry]]\nlocation="x"\nblocked=true\nBlocked=false',
    '[[registry]]\nlocation="x"\nblocked=true\n[[registry]]\nprefix="y"\nlocation="x"',
    '[[registry]]\nlocation="x"\n[registries.block]\nregistries=["docker.io"]',
    '[registries]\nblock=["docker.io"]',
    'registry="docker.io"',
    '{"registry": []}',
  ])('is an error when it cannot be understood: %j', async (conf) => {
    const failure = placesOf('alpine', { conf });
    expect(await codeOf(failure)).toBe('DIMGX_REGISTRY_CONFIG');
    await expect(failure).rejects.toThrow(/registries\.conf cannot be parsed[^\p{Cc}]+$/u);
  });
});

describe('the files of the configuration', () => {
  const block = (registry: string) => `[[registry]]\nlocation="${registry}"\nblocked=true\n`;
  const OWN = '.config/containers/registries.conf';
  const codeWith = async (files: Readonly<Record<string, string>>, named?: string) => {
    const home = await newUser(files);
    vi.stubEnv('CONTAINERS_REGISTRIES_CONF', named?.replace('~', home));
    const name = parseRegistryName('reg.test/a');
    const places = repositoryPlaces({ name, mirrors: [], env: process.env, warn: () => undefined });
    return places.then(
      () => undefined,
      () => codeOf(places),
    );
  };

  test.each<[string, Readonly<Record<string, string>>, string | undefined, string | undefined]>([
    ["the user's", { [OWN]: block('reg.test') }, undefined, 'DIMGX_REGISTRY_BLOCKED'],
    ['one that is named', { named: block('reg.test') }, '~/named', 'DIMGX_REGISTRY_BLOCKED'],
    ["not the user's beside one that is named", { named: '', [OWN]: block('reg.test') }, '~/named', undefined],
    ['one that is named and not there', {}, '~/named', 'DIMGX_REGISTRY_CONFIG'],
    ['one that is masked', { [OWN]: block('reg.test') }, '/dev/null', undefined],
    ['a folder in its place', { [`${OWN}/x`]: '' }, undefined, 'DIMGX_REGISTRY_CONFIG'],
    ['of a folder', { [`${OWN}.d/1.conf`]: block('reg.test') }, undefined, 'DIMGX_REGISTRY_BLOCKED'],
    ['of a folder, but for other names', { [`${OWN}.d/1.conf.old`]: block('reg.test') }, undefined, undefined],
    [
      'the later before the earlier',
      { [`${OWN}.d/2.conf`]: '[[registry]]\nlocation="reg.test"', [`${OWN}.d/1.conf`]: block('reg.test') },
      undefined,
      undefined,
    ],
    ['one of a folder that cannot be understood', { [`${OWN}.d/1.conf`]: '[' }, undefined, 'DIMGX_REGISTRY_CONFIG'],
  ])('%s', async (_, files, named, code) => {
    expect(await codeWith(files, named)).toBe(code);
  });

  it('is an error when it is not UTF-8', async () => {
    const home = await newUser();
    vi.stubEnv('CONTAINERS_REGISTRIES_CONF', `${home}/named`);
    await writeFile(`${home}/named`, Buffer.from('# caf\u00e9\n', 'latin1'));
    const places = repositoryPlaces({
      name: parseRegistryName('a'),
      mirrors: [],
      env: process.env,
      warn: () => undefined,
    });
    expect(await codeOf(places)).toBe('DIMGX_REGISTRY_CONFIG');
  });

  it("is the user's in ~/.config, too, when XDG_CONFIG_HOME is elsewhere", async () => {
    const home = await newUser({ [OWN]: block('reg.test') });
    vi.stubEnv('CONTAINERS_REGISTRIES_CONF', undefined);
    vi.stubEnv('XDG_CONFIG_HOME', `${home}/elsewhere`);
    const name = parseRegistryName('reg.test/a');
    const places = repositoryPlaces({ name, mirrors: [], env: process.env, warn: () => undefined });
    expect(await codeOf(places)).toBe('DIMGX_REGISTRY_BLOCKED');
  });
});
