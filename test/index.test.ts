import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from './helpers/members.js';
import { runCommand } from './helpers/run-command.js';
import { sampleImage } from './helpers/sample-image.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A program of somebody who uses the library, as TypeScript: every function, and the types of what they take and give. */
const CONSUMER = `
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import {
  type Choice, createPool, DimgxError, ERRORS, type ErrorCode, extractLayers, flatten, type FlattenOptions, type FlattenResult, type Image,
  inspectLayers, type LayerIndex, listImages, openImage, type Progress, selectLayers, type Warning, WARNINGS,
} from 'dimgx';
import { type CacheList, listCache, pruneCache, removeBlobs, verifyCache } from 'dimgx/cache';
import {
  DimgxError as RegistryError, listRepositories, listTags, login, logout, logoutAll, type PulledImage, pullImage, searchImages,
  type TagList,
} from 'dimgx/registry';

const [archive = '', folder = ''] = process.argv.slice(2);
const told: string[] = [];
const options: FlattenOptions = {
  signal: new AbortController().signal,
  onProgress: ({ stage, item, done, total }: Progress) => void told.push(\`\${stage} \${item} \${done} \${total ?? '?'}\`),
  onWarning: ({ code, message }: Warning) => console.error(WARNINGS[code], message),
  compression: 'gzip', level: 9, threads: 1, verify: true, strictInput: false, limits: { maxEntries: 1000 },
};
const result: FlattenResult = await flatten(archive, \`\${folder}/out.tgz\`, options);
const absent: FlattenOptions = {
  signal: undefined, onProgress: undefined, credentials: undefined, limits: { maxSize: undefined }, platform: undefined,
  cache: undefined, pull: undefined, layers: undefined, pool: undefined, compression: undefined, excludeDevices: undefined,
};
let count = 0;
{
  await using image: Image = await openImage(archive, absent);
  count = image.layers.length;
  const layers: readonly LayerIndex[] = await inspectLayers(image, {
    select: selectLayers(image, { layers: ['@1'] }, () => {}),
    pool: createPool({ threads: undefined }),
  });
  await pipeline(extractLayers(layers), createWriteStream(\`\${folder}/base.tar\`));
}
const failureOf = (work: Promise<unknown>): Promise<DimgxError | undefined> =>
  work.then(() => undefined, (error: unknown) => (error instanceof DimgxError ? error : undefined));
const missing = await failureOf(flatten('./no-such-image', \`\${folder}/none\`, absent));
const code = missing && missing.code in ERRORS ? (missing.code as ErrorCode) : undefined;
const layer: string | undefined = missing?.layer;
const choices: readonly Choice[] = (await failureOf(openImage(archive, { image: 'other' })))?.choices ?? [];
const cache = \`\${folder}/cache\`;
const { blobs, limit }: CacheList = await listCache({ cache, signal: undefined });
const gone = [await verifyCache({ cache }), await pruneCache({ cache, maxSize: undefined }), await removeBlobs([], { cache })];
const offline = { retry: 0, plainHttp: true, onWarning: undefined, credentials: undefined };
const tags = async (): Promise<TagList> => listTags('127.0.0.1:1/a', offline);
const pull = async (): Promise<PulledImage> => pullImage('127.0.0.1:1/a', { ...offline, cache });
const searches = [listRepositories('127.0.0.1:1', offline), searchImages('127.0.0.1:1/a', { ...offline, limit: 3 })];
const logins = [
  login('127.0.0.1:1', { username: 'a', password: 'b' }, { retry: 0, authFile: \`\${folder}/auth.json\` }),
  logout('No Host', {}), logoutAll({ onWarning: 5 as never }),
];
const failures = await Promise.all([tags(), pull(), ...searches, ...logins].map(failureOf));
console.log(JSON.stringify({
  doors: [blobs.length, limit > 0, gone.length, RegistryError === DimgxError],
  failures: failures.map((failure) => failure?.code.replace(/^DIMGX_/, '')),
  entries: result.entries, layers: count, told: told.length > 0, code, layer, path: missing?.path,
  choices: choices.map(({ names }) => names), listed: (await listImages(archive)).images.length,
}));
`;

/** A project that has the package installed as npm packs it, and nothing else than its dependencies. */
async function consumerProject(folder: string): Promise<void> {
  await mkdir(`${folder}/node_modules`);
  await runCommand('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: ROOT });
  const [tarball = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  await runCommand('tar', ['xzf', `${folder}/${tarball}`, '-C', folder]);
  await rename(`${folder}/package`, `${folder}/node_modules/dimgx`);
  const { dependencies } = JSON.parse(await readFile(`${ROOT}/package.json`, 'utf8'));
  for (const name of ['@types', 'undici-types', ...Object.keys(dependencies)]) {
    await symlink(`${ROOT}/node_modules/${name}`, `${folder}/node_modules/${name}`);
  }
  await writeFile(`${folder}/package.json`, '{"type":"module","private":true}');
  await writeFile(`${folder}/use.ts`, CONSUMER);
}

describe('the package as npm packs it', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-consumer-'));
    await consumerProject(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('type-checks in a strict project, declarations included, and runs', async () => {
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--module', 'nodenext'];
    const target = [
      '--target',
      'es2023',
      '--lib',
      'es2023,esnext.disposable',
      '--types',
      'node',
      '--skipLibCheck',
      'false',
    ];
    await runCommand(`${ROOT}/node_modules/.bin/tsc`, [...strict, ...target, 'use.ts'], { cwd: folder });
    await mkdir(`${folder}/out`);
    const { stdout } = await runCommand('node', ['use.js', await sampleImage(), `${folder}/out`], { cwd: folder });
    const unreachable = Array(5).fill('REGISTRY_UNREACHABLE');
    expect(JSON.parse(stdout.toString())).toEqual({
      doors: [0, true, 3, true],
      failures: [...unreachable, 'REFERENCE_INVALID', 'OPTION_INVALID'],
      entries: 3,
      layers: 2,
      told: true,
      code: 'DIMGX_SOURCE_NOT_FOUND',
      path: './no-such-image',
      choices: [['sample:latest']],
      listed: 1,
    });
    expect(await readdir(`${folder}/out`)).toEqual(['base.tar', 'cache', 'out.tgz']);
    expect((await runCommand('tar', ['tf', `${folder}/out/base.tar`])).stdout.toString()).toContain('etc/gone');
  });

  test('is required by CommonJS as it is imported, and lets nobody reach into it', async () => {
    const program = `
      const { DimgxError, flatten } = require('dimgx');
      const refused = (name) => { try { require(name); } catch ({ code }) { return code; } };
      flatten(process.argv[1], process.argv[2]).then(async ({ entries }) => {
        const doors = ['dimgx', 'dimgx/registry', 'dimgx/cache'];
        const imported = await Promise.all(doors.map((door) => import(door)));
        const errors = [...imported, ...doors.map(require)].map((door) => door.DimgxError);
        const isSame = errors.every((error) => error === DimgxError);
        const inside = ['dist/index.js', 'dist/registry.js', 'dist/errors.js', 'dist/types/cache.d.ts', 'build/cache.js', 'cli'];
        const deep = await Promise.all(inside.map((path) => import('dimgx/' + path).catch(({ code }) => code)));
        const { name } = require('dimgx/package.json');
        console.log(JSON.stringify([entries, isSame, inside.map((path) => refused('dimgx/' + path)), deep, name]));
      });`;
    const args = ['--input-type=commonjs', '--eval', program, await sampleImage({ gzip: true }), `${folder}/out.tar`];
    const { stdout } = await runCommand('node', args, { cwd: folder });
    const refusal = Array(6).fill('ERR_PACKAGE_PATH_NOT_EXPORTED');
    expect(JSON.parse(stdout.toString())).toEqual([3, true, refusal, refusal, 'dimgx']);
  });

  test('has a command that runs, and no file beside what it needs', async () => {
    const { stdout } = await runCommand('node', ['node_modules/dimgx/bin/dimgx.js', '-q', await sampleImage()], {
      cwd: folder,
    });
    expect(stdout.toString()).toMatch(/^[0-9a-f]{12}\n[0-9a-f]{12}\n$/);
    const names = await readdir(`${folder}/node_modules/dimgx`);
    expect(names.filter((name) => !/^(README.*|LICEN[CS]E.*)$/.test(name)).sort()).toEqual([
      'bin',
      'dist',
      'package.json',
    ]);
  });
});

describe('a process that uses the library', () => {
  /** Runs a module inside the package, which finds itself by its own name. */
  async function run(body: string, ...args: string[]) {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '--eval', `import * as dimgx from 'dimgx';\n${body}`, ...args],
      {
        cwd: ROOT,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const out: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => out.push(piece));
    child.stderr.on('data', (piece: Buffer) => out.push(piece));
    const code = await new Promise((resolve) => child.on('close', resolve));
    return { code, out: Buffer.concat(out).toString() };
  }

  test.each([
    [
      'dimgx',
      'DimgxError ERRORS WARNINGS buildCommand copyFiles createPool extractLayers findPathOwner flatten formatPlatform inspectLayers listBuildSteps listChanges listImages listVersions mergeLayers openImage openTree parsePlatform parseSize printable provenanceObject selectLayers shownPath snapshot verify',
    ],
    [
      'dimgx/registry',
      'DimgxError listRepositories listTags login logout logoutAll parseRegistryHost pullImage searchImages',
    ],
    ['dimgx/cache', 'DimgxError listCache makeCacheFolder pruneCache removeBlobs verifyCache'],
  ])('finds what the design promises, and no default: %s', async (door, names) => {
    const { out } = await run(`console.log(Object.keys(await import('${door}')).sort().join(' '))`);
    expect(out).toBe(`${names}\n`);
  });

  test.each([
    ['dimgx/registry', 'listTags("No Name")'],
    ['dimgx/cache', 'listCache({ cache: false })'],
  ])('gets errors of the class that the main door exports: %s', async (door, call) => {
    const { out } = await run(`
      const failure = await (await import('${door}')).${call}.catch((error) => error);
      console.log(failure instanceof dimgx.DimgxError, failure.code in dimgx.ERRORS);`);
    expect(out).toBe('true true\n');
  });

  test.each([
    ['is done', 'await dimgx.flatten(process.argv[1], process.argv[2]);'],
    [
      'was cancelled while threads run',
      `const controller = new AbortController();
       const onProgress = () => controller.abort();
       await dimgx.flatten(process.argv[1], process.argv[2], { signal: controller.signal, onProgress }).catch(() => {});`,
    ],
    [
      'never read what it asked for, and closed the image',
      `const image = await dimgx.openImage(process.argv[1]);
       dimgx.extractLayers(await dimgx.inspectLayers(image));
       await image.close();`,
    ],
    [
      'left a stream in the middle',
      `const image = await dimgx.openImage(process.argv[1]);
       for await (const piece of dimgx.extractLayers(await dimgx.inspectLayers(image))) break;
       await image.close();`,
    ],
  ])('ends by itself, silently, once it %s', async (_, body) => {
    const folder = await temporaryFolder();
    const archive = await sampleImage({ large: 12 * 1024 * 1024, gzip: true });
    expect(await run(body, archive, `${folder}/out.tar`)).toEqual({ code: 0, out: '' });
  });
});
