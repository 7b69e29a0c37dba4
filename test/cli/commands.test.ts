import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { OperandCount } from '#dimgx/cli/commands/command.js';
import { usageOf } from '#dimgx/cli/commands/command.js';
import { commandRows, DEFAULT_COMMAND } from '#dimgx/cli/commands/command-table.js';
import { defaultPlatform } from '#dimgx/image/platform.js';
import { type BuiltImage, imageIdOf, layerOf } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { dockerStore } from '../helpers/engine-stores.js';
import { temporaryFolder, writeArchive } from '../helpers/members.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { listen } from '../helpers/registry-proxy.js';
import { type Ended, startDimgx } from '../helpers/run-dimgx.js';
import { callDimgx } from '../helpers/shared-dimgx.js';
import { newUser } from '../helpers/user.js';

const commands = await Promise.all(
  [['', DEFAULT_COMMAND] as const, ...commandRows()].map(async ([name, row]) => ({
    name,
    words: name.split(' ').filter((word) => word !== ''),
    command: await row.load(),
  })),
);

const WRONG: Readonly<Record<OperandCount, readonly (readonly string[])[]>> = {
  none: [['x']],
  one: [[], [''], ['x', 'y']],
  optional: [['x', 'y']],
  some: [[]],
};

describe('operands too few or too many are bad usage', () => {
  const lines = commands.flatMap(({ name, words, command }) =>
    WRONG[command.operands?.count ?? 'none']
      .filter(([first]) => first !== '' || !command.operands?.mayBeEmpty)
      .map((operands) => [name, operands, words] as const),
  );

  test.each(lines)('dimgx %s %j', async (name, operands, words) => {
    const { stdout, stderr, code } = await callDimgx(...words, ...operands);
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    const help = ['dimgx', ...words, '--help'].join(' ');
    expect(stderr).toMatch(/^dimgx: DIMGX_USAGE: .*\n$/);
    expect(stderr).toContain(name === '' ? 'image' : `: ${name} `);
    expect(stderr.endsWith(`: see ${help}\n`)).toBe(true);
  });

  test.each(['tags', 'catalog'])('but an empty name is the name of nothing in a registry: dimgx %s', async (name) => {
    const { stderr, code } = await callDimgx(name, '');
    expect({ stderr, code }).toEqual({ stderr: expect.stringMatching(/^dimgx: DIMGX_REFERENCE_INVALID: ""/), code: 1 });
  });

  test('and the usage shows how many there may be', () => {
    const shown: Readonly<Record<OperandCount, (name: string) => string>> = {
      none: () => '',
      one: (name) => name,
      optional: (name) => `[${name}]`,
      some: (name) => `${name}...`,
    };
    for (const { name, command } of commands) {
      const { count, name: operand, usage } = command.operands ?? { count: 'none', name: '' };
      const hasOptions = command.json !== undefined || Object.keys(command.options).length > 0;
      const synopsis = command.synopsis ?? (hasOptions ? '[options]' : '');
      expect(usageOf(command), name).toBe(`${synopsis} ${usage ?? shown[count](operand)}`.trim());
    }
  });
});

const image: BuiltImage = {
  layers: [await layerOf({ a: 'one' })],
  config: { architecture: defaultPlatform().architecture },
};

/** A registry of one image, `app:1`. @returns its host */
function registryOfOne(): Promise<string> {
  const layout = new OciLayout();
  const manifest = layout.manifest(image);
  const answers = new Map<string, unknown>([
    ['/v2/', '{}'],
    ['/v2/_catalog', '{"repositories":["app"]}'],
    ['/v2/app/tags/list', '{"name":"app","tags":["1"]}'],
    ...Object.entries(layout.members).map(
      ([name, member]) => [`/v2/app/${name.replace('blobs/sha256/', 'blobs/sha256:')}`, member] as const,
    ),
  ]);
  const document = layout.members[`blobs/${manifest.digest.replace(':', '/')}`];
  for (const name of ['1', manifest.digest]) answers.set(`/v2/app/manifests/${name}`, document);
  const server = createServer(({ url = '' }, response) => {
    const answer = answers.get(url.replace(/\?.*$/, ''));
    if (answer === undefined) response.writeHead(404);
    else if (answer === document) response.setHeader('Content-Type', manifest.mediaType);
    response.end(answer);
  });
  return listen(server);
}

async function piped(input: string, ...args: readonly string[]): Promise<Ended> {
  const { process: child, ended } = startDimgx(...args);
  child.stdin.end(input);
  return ended;
}

/** What each command prints as JSON, in a session of one user: what comes first is there for what comes after. */
const SESSION: readonly (readonly [name: string, args: readonly string[], json: unknown])[] = [
  ['', ['ARCHIVE'], { id: imageIdOf(image), layers: [{ position: 1 }] }],
  ['', ['-t', 'TARGET', 'ARCHIVE'], { imageId: imageIdOf(image), entries: 1 }],
  ['ls', ['ARCHIVE'], { type: 'file', layer: 1, state: 'present' }],
  ['cp', ['ARCHIVE', '/a', 'BAG'], { entries: 1, files: 1 }],
  ['history', ['ARCHIVE', '/a'], { action: 'added', by: 1 }],
  ['snapshot', ['ARCHIVE', 'BAG.bag'], { format: 'dimgx-snapshot/1', entries: 1 }],
  [
    'verify',
    ['ARCHIVE'],
    [
      { subject: 'config', claim: 'digest', ok: true },
      { subject: 'layer @1', ok: true },
    ],
  ],
  ['verify', ['-q', 'BAG.bag'], []],
  ['images', ['ARCHIVE'], { images: [{ number: 0, kind: 'image' }] }],
  [
    'whose',
    ['STORE', `image/overlay2/imagedb/content/sha256/${imageIdOf(image)}`],
    { images: [{ id: imageIdOf(image) }] },
  ],
  ['tags', ['--plain-http', 'HOST/app'], { tags: ['1'] }],
  ['catalog', ['--plain-http', 'HOST'], { repositories: ['app'] }],
  ['search', ['--plain-http', 'HOST/ap'], { results: [{ isOfficial: false }] }],
  ['pull', ['--plain-http', 'HOST/app:1'], { id: imageIdOf(image), layers: [{}] }],
  ['cache ls', [], { blobs: [{}, {}, {}], partial: [] }],
  ['cache verify', [], { damaged: [], whole: 3, size: expect.any(Number) }],
  ['cache rm', [imageIdOf(image)], { removed: [`sha256:${imageIdOf(image)}`] }],
  ['cache prune', ['--all'], { removed: [{}, {}].map(() => expect.stringMatching(/^sha256:/)), kept: 0 }],
  [
    'login',
    ['--plain-http', '-u', 'me', '--password-stdin', 'HOST'],
    { registry: 'HOST', username: 'me', helper: null },
  ],
  ['logout', ['HOST'], { removed: [{ registry: 'HOST', path: expect.stringMatching(/auth\.json$/) }] }],
  ['logout', ['--all'], { removed: [] }],
];

describe('--json', () => {
  test('prints one document, or one a line, and nothing else, for every command', async () => {
    await newUser();
    const names = {
      ARCHIVE: await writeArchive(dockerArchive([image])),
      STORE: (await dockerStore([{ ...image, layers: image.layers.map((layer) => Buffer.from(layer)) }])).folder,
      TARGET: `${await temporaryFolder()}/out.tar`,
      BAG: `${await temporaryFolder()}/bag`,
      HOST: await registryOfOne(),
    };
    const filled = (text: string) => Object.entries(names).reduce((all, [name, to]) => all.replaceAll(name, to), text);
    for (const [name, args, json] of SESSION) {
      const line = [...name.split(' '), '--json', ...args].filter((word) => word !== '').map(filled);
      const { stdout, stderr, code } = line.includes('--password-stdin')
        ? await piped('secret\n', ...line)
        : await callDimgx(...line);
      expect({ stderr, code }, line.join(' ')).toEqual({ stderr: '', code: 0 });
      const wanted = name.startsWith('log') ? withHost(json, names.HOST) : json;
      expect(Array.isArray(json) ? jsonLines(stdout) : JSON.parse(stdout), line.join(' ')).toMatchObject(
        wanted as object,
      );
    }
  });

  test('is an option of every command that has anything for a script', () => {
    const offering = commands.filter(({ command }) => command.json !== undefined).map(({ name }) => name);
    expect([...new Set(SESSION.map(([name]) => name))].sort()).toEqual([...offering].sort());
    const silent = commands.filter(({ command }) => command.json === undefined).map(({ name }) => name);
    expect(silent).toEqual(['cat', 'completion']);
  });
});

function jsonLines(text: string): readonly unknown[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

function withHost(json: unknown, host: string): unknown {
  if (json === 'HOST') return host;
  if (Array.isArray(json)) return json.map((each) => withHost(each, host));
  if (typeof json !== 'object' || json === null || 'asymmetricMatch' in json) return json;
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, withHost(value, host)]));
}
