import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWithEngines } from '../helpers/engines.js';
import {
  BASE_NAME,
  type Built,
  IMAGE_BUILDERS,
  REFERENCE_KINDS,
  type ReferenceKind,
} from '../helpers/image-builders.js';
import { temporaryFolder } from '../helpers/members.js';
import { type Provenance, recordImage } from '../helpers/recorded-run.js';
import { runCommand } from '../helpers/run-command.js';
import { runScript } from '../helpers/run-script.js';
import { callDimgx } from '../helpers/shared-dimgx.js';

/** A key, what hides it, and the step that does. */
interface Secret {
  readonly path: string;
  readonly how: string;
  readonly step: string;
  /** Present names of the same file. */
  readonly aliveAs?: readonly string[];
}

const SECRETS: readonly Secret[] = [
  { path: '/k/removed', how: 'removed', step: 'RUN rm /k/removed' },
  { path: '/k/replaced', how: 'replaced', step: 'RUN echo new > /k/replaced' },
  { path: '/k/opaque/key', how: 'opaque', step: 'RUN rm -rf /k/opaque && mkdir /k/opaque' },
  { path: '/k/parent/key', how: 'parent', step: 'RUN rm -r /k/parent && echo file > /k/parent' },
  { path: '/k/first', how: 'removed', step: 'RUN rm /k/first', aliveAs: ['/k/second'] },
  { path: '/k/gone/deep/key', how: 'removed', step: 'RUN rm -r /k/gone' },
];

const ADDS = 'RUN mv /src /k && ln /k/first /k/second';

/** The contents of a key: bytes that are no text, and no two keys have the same. */
const keyOf = (path: string) => Buffer.from(Array.from({ length: 1001 }, (_, i) => (i * i + path.length * 7) % 256));

/** Writes what the image is built from. */
async function writeContext(folder: string): Promise<string> {
  const context = join(folder, 'context');
  for (const { path } of SECRETS) {
    const file = join(context, path.replace('/k/', 'src/'));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, keyOf(path));
  }
  const lines = [`FROM ${BASE_NAME}`, 'COPY src /src', ADDS, ...SECRETS.map(({ step }) => step)];
  await writeFile(join(context, 'Dockerfile'), lines.join('\n'));
  return context;
}

interface Step {
  readonly layer: number | null;
  readonly command: string;
}

/** Lines that a command prints. It has nothing to say otherwise. */
async function linesOf(...args: readonly string[]): Promise<readonly string[]> {
  const { code, stdout, stderr } = await callDimgx(...args);
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}

/** The number of the layer that a line of the Dockerfile made. */
async function layersOf(reference: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const steps = (await linesOf('history', '--json', ...reference)).map((line): Step => JSON.parse(line));
  return new Map(steps.flatMap(({ layer, command }) => (layer === null ? [] : [[command, layer]])));
}

/** The line of a hidden key, of `ls` or of the provenance. */
function hiddenLine(lines: readonly Provenance[], { path, how, aliveAs }: Secret, layer: number, hider: number) {
  const found = lines.filter((line) => line.path === path && line.state === 'hidden');
  expect(found).toMatchObject([{ type: 'file', size: 1001, layer, hiddenBy: { layer: hider, how } }]);
  expect(found[0]?.aliveAs).toEqual(aliveAs);
  return found[0] as Provenance;
}

/** Finds each key, says what step added it and what step hid it, and gets its bytes back in every way. */
async function expectRecovered(reference: readonly string[]): Promise<void> {
  const folder = await temporaryFolder();
  const layers = await layersOf(reference);
  const layerOf = (step: string) => layers.get(step) as number;
  const layer = layerOf(ADDS);
  const listed: readonly Provenance[] = (await linesOf('ls', '--json', '--recursive', '--hidden', ...reference)).map(
    (line) => JSON.parse(line),
  );
  const run = await recordImage(reference, join(folder, 'records'));
  const recorded = await run.provenance();
  const hidden = join(folder, 'hidden');
  await mkdir(hidden);
  await runCommand('tar', ['-xf', run.hiddenTar], { cwd: hidden });
  for (const secret of SECRETS) {
    hiddenLine(listed, secret, layer, layerOf(secret.step));
    const { diffId, sha256, createdBy } = hiddenLine(recorded, secret, layer, layerOf(secret.step));
    const key = keyOf(secret.path);
    expect(createdBy).toContain(ADDS.replace('RUN ', ''));
    expect(sha256).toBe(createHash('sha256').update(key).digest('hex'));
    const inTar = join(hidden, `layer-${layer}-${diffId?.slice(7, 19)}`, secret.path);
    expect((await readFile(inTar)).equals(key)).toBe(true);
  }

  const inodes = SECRETS.map(
    (secret) => `${listed.find(({ path, state }) => path === secret.path && state === 'hidden')?.inode}`,
  );
  const byInode = await runScript('dimgx cat --inode "$@"', ...reference, ...inodes);
  expect(byInode.stdout.equals(Buffer.concat(SECRETS.map(({ path }) => keyOf(path))))).toBe(true);

  const paths = SECRETS.map(({ path }) => path);
  const { code, stdout, stderr } = await runScript('dimgx cat "$@"', '-l', `@${layer}`, ...reference, ...paths);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.equals(Buffer.concat(paths.map(keyOf)))).toBe(true);

  const copies = join(folder, 'copies');
  await mkdir(copies);
  await linesOf('cp', '--parents', '-l', `@${layer}`, ...reference, ...paths, copies);
  for (const path of paths) expect((await readFile(join(copies, path))).equals(keyOf(path))).toBe(true);
}

describeWithEngines('keys that newer layers hide', () => {
  const builders = IMAGE_BUILDERS.map((builder) => [`${builder.name}${builder.whyNot}`, builder] as const);
  describe.each(builders)('in an image by %s', (_, builder) => {
    let folder = '';
    let built: Built | undefined;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'dimgx-secrets-'));
      if (builder.whyNot === '') built = await builder.build(await writeContext(folder), folder);
    });
    afterAll(async () => {
      await built?.stop();
      await rm(folder, { recursive: true });
    });
    const referenceTo = (kind: ReferenceKind) => (built as Built).references[kind];
    const here = test.skipIf(builder.whyNot !== '');

    here.each(REFERENCE_KINDS)('are found, attributed and recovered from its %s', async (kind) => {
      await expectRecovered(referenceTo(kind));
    });

    here('are told of by ls and history, and cat says how to get at them', async () => {
      const reference = referenceTo('archive');
      const layers = await layersOf(reference);
      for (const { path, how, step } of SECRETS) {
        const [layer, hider] = [`@${layers.get(ADDS)}`, `@${layers.get(step)}`];
        const listed = (await linesOf('ls', '--hidden', ...reference, path)).at(-1);
        expect(listed).toMatch(new RegExp(`1001 .* ${layer}  ${path}  \\(${how} in ${hider}\\)$`));
        const [added, hidden] = await linesOf('history', ...reference, path);
        expect(added).toMatch(new RegExp(`^${layer} +added .*   ${ADDS}$`));
        expect(hidden).toMatch(new RegExp(`^${hider} +${how === 'replaced' ? 'changed' : `removed +${how} by /k/`}`));
        expect(hidden?.endsWith(`   ${step}`)).toBe(true);
        if (how === 'replaced') continue;
        const refused = await callDimgx('cat', ...reference, path);
        expect(refused).toMatchObject({ code: 2, stdout: '' });
        const [, advice = ''] = /: select its layer with (-l @\d+)\n$/.exec(refused.stderr) ?? [];
        expect(advice).toBe(`-l ${layer}`);
      }
    });
  });
});
