import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Case } from '../conformance/case.js';
import { isForEngines, JUDGES, type Judge, keptVerdicts, verdictsFile } from '../conformance/judges.js';
import { archiveOfCase, layersOf } from '../conformance/outcome.js';
import { CASES, type NamedCase } from '../conformance/sections.js';
import { CASE_IMAGES, unlikeArchives } from '../conformance/stored-images.js';
import { type Verdict, verdictOf } from '../conformance/verdict.js';
import { imageIdOf } from '../helpers/built-image.js';
import { DockerClient } from '../helpers/docker-client.js';
import { startDockerEngine } from '../helpers/docker-engine.js';
import { listVfsImage } from '../helpers/docker-vfs.js';
import { describeWithEngines, lacks } from '../helpers/engines.js';
import { inParallel } from '../helpers/in-parallel.js';
import { entriesOf, type Members } from '../helpers/members.js';
import { ociLayout } from '../helpers/oci-layout.js';
import { listImage } from '../helpers/overlay-mount.js';
import { Podman } from '../helpers/podman.js';
import { removeTree } from '../helpers/remove-tree.js';
import { listTree, type Tree } from '../helpers/tree.js';
import { unpackByUmoci } from '../helpers/umoci.js';

const AT_A_TIME = 3;
const ASKED = CASES.filter(({ example }) => isForEngines(example));

/** What engines make of the cases of test/conformance: as it was when their verdicts were written. */
describeWithEngines('the images of the conformance table are taken by engines as the table says', () => {
  let folder: string;
  const archives = new Map<string, string>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-judges-'));
    for (const [number, { title, example }] of ASKED.entries()) {
      archives.set(title, join(folder, `${number}.tar`));
      await writeFile(join(folder, `${number}.tar`), await archiveOfCase(example));
    }
  });
  afterAll(() => removeTree(folder));

  const loadInto = (engine: DockerClient | Podman, { title, example }: NamedCase) =>
    engine.load(archives.get(title) as string, nameInRepositories(example));

  it.each(['overlay2', 'vfs'] as const)('Docker 20.10 %s', async (driver) => {
    const engine = await startDockerEngine(driver);
    try {
      const docker = new DockerClient(engine.host);
      const listOverlaid = async (image: string) => listImage(docker, image, await mkdtemp(join(folder, 'mounts-')));
      await expectKept(`Docker 20.10 ${driver}`, {
        load: (asked) => loadInto(docker, asked),
        list: driver === 'vfs' ? (image) => listVfsImage(docker, image, engine.data) : listOverlaid,
        remove: (image) => docker.run('rmi', '-f', image),
      });
      await engine.end();
      await expectStored(`Docker 20.10 ${driver}`, `docker-root:${engine.data}:`, folder);
    } finally {
      await engine.stop();
    }
  });

  it('Podman 4.3', async () => {
    const podman = await Podman.start();
    try {
      await expectKept('Podman 4.3', {
        load: (asked) => loadInto(podman, asked),
        list: (image) => podman.listImage(image),
        remove: (image) => podman.remove(image),
      });
      await expectStored('Podman 4.3', `containers-storage:[overlay@${podman.root}]`, folder);
    } finally {
      await podman.stop();
    }
  });

  it.skipIf(lacks('umoci'))('umoci 0.4.7 (needs umoci)', async () => {
    await expectKept('umoci 0.4.7', {
      takes: ({ example }) => layoutOf(example) !== undefined,
      load: async ({ example }) =>
        unpackByUmoci(layoutOf(example) as Members, await mkdtemp(join(folder, 'unpacked-'))),
      list: (root) => listTree(root),
    });
  });
});

interface Engine {
  /** Whether it can read images of that form. Default: all. */
  readonly takes?: (asked: NamedCase) => boolean;
  /** @returns what the engine calls the image. @throws when it refuses it */
  readonly load: (asked: NamedCase) => Promise<string>;
  readonly list: (image: string) => Promise<Tree>;
  /** Has the engine forget an image. Default: it has kept nothing. */
  readonly remove?: (image: string) => Promise<unknown>;
}

/**
 * Compares what an engine makes of the cases with what it made of them when its verdicts were written. An engine does
 * not read a layer that it has: so archives go first, one at a time, and each is forgotten before the next.
 */
async function expectKept(judge: Judge, engine: Engine): Promise<void> {
  const { takes = () => true, remove = () => Promise.resolve() } = engine;
  const asked = ASKED.filter(takes);
  const archives = asked.filter(({ example }) => 'archive' in example);
  const verdicts = new Map<string, Verdict>();
  const startedAt = Date.now(); // a layer that two images share keeps the time when the first was loaded
  await inParallel(archives, 1, async (one) => {
    const image = await judged(engine, one, startedAt, verdicts);
    if (image !== undefined) await remove(image);
  });
  await inParallel(
    asked.filter((one) => !archives.includes(one)),
    AT_A_TIME,
    (one) => judged(engine, one, startedAt, verdicts),
  );
  const inOrder = Object.fromEntries(asked.map(({ title }) => [title, verdicts.get(title)]));
  await expect(`${JSON.stringify(inOrder, null, 2)}\n`).toMatchFileSnapshot(verdictsFile(judge));
}

/** Compares the images that are in an engine's storage with their archives, to the byte. */
async function expectStored(judge: Judge, storage: string, folder: string): Promise<void> {
  const verdicts = await keptVerdicts(judge);
  const loaded = CASE_IMAGES.filter(({ title }) => verdicts[title] !== 'refuses');
  const differ = await unlikeArchives(loaded, (image) => `${storage}${imageIdOf(image)}`, folder);
  const found = `${JSON.stringify({ differ }, null, 2)}\n`;
  await expect(found).toMatchFileSnapshot(`stored/table-${JUDGES[judge]}`);
  expect(found).not.toContain('ANOTHER TREE');
}

/** @returns the image, when the engine has taken it */
async function judged({ load, list }: Engine, asked: NamedCase, startedAt: number, verdicts: Map<string, Verdict>) {
  const { title, example } = asked;
  const image = await load(asked).catch(() => undefined);
  if (image === undefined) verdicts.set(title, 'refuses');
  else if (!('tree' in example)) verdicts.set(title, 'takes it');
  else verdicts.set(title, verdictOf(example.tree, await list(image), startedAt));
  return image;
}

/** The name of an image in an archive of 2015. */
function nameInRepositories(example: Case): string | undefined {
  const text = 'archive' in example ? new Map(entriesOf(example.archive)).get('repositories') : undefined;
  if (typeof text !== 'string') return undefined;
  const [[name, tags] = []] = Object.entries<Record<string, string>>(JSON.parse(text));
  return `${name}:${Object.keys(tags ?? {})[0]}`;
}

/** umoci reads OCI layouts only. */
function layoutOf(example: Case): Members | undefined {
  if ('layers' in example) return ociLayout([{ layers: layersOf(example), tags: ['conformance:case'] }]);
  return entriesOf(example.archive).some(([name]) => name === 'index.json') ? example.archive : undefined;
}
