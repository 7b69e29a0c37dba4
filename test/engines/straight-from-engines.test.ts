import { createHash } from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type EngineTruth, engineTruth, type InspectedImage } from '../helpers/engine-truth.js';
import { describeWithEngines, lacks } from '../helpers/engines.js';
import { expectJson, expectTable } from '../helpers/expect-listing.js';
import { extractTar } from '../helpers/extract-tar.js';
import { LAYERED_ENGINES, type LayeredEngine, type Way } from '../helpers/layered-engines.js';
import { LAYERED, makeLayeredImages } from '../helpers/layered-images.js';
import { removeTree } from '../helpers/remove-tree.js';
import { runDimgx, runDimgxIn } from '../helpers/run-dimgx.js';
import { treeDifferences } from '../helpers/tree-differences.js';

const { loaded, imported, child, committed, middle } = LAYERED;
const IMAGES = [loaded, imported, child, committed, middle[1]];

/** Enough where only the way to the engine is another. */
const SOME_IMAGES = [child];

/** An image, saved by the engine's client, and what the client says of it. */
interface Saved {
  readonly archive: string;
  /** Of what its archive is flattened to. */
  readonly hash: string;
  readonly truth: EngineTruth;
}

describeWithEngines('straight from', () => {
  describe.each(LAYERED_ENGINES)('$name', ({ name, ways, needs, start }) => {
    describe.skipIf(lacks(...needs))(`(skipped without ${needs.join(', ')})`, () => {
      const isPodman = name === 'Podman';
      const [anyWay = ''] = ways;
      const saved = new Map<string, Saved>();
      const savedOf = (image: string) => saved.get(image) as Saved;
      let folder: string;
      let engine: LayeredEngine<string>;

      async function save(image: string): Promise<Saved> {
        const archive = join(folder, `${saved.size}.tar`);
        await engine.docker.run('save', '-o', archive, image);
        const truth = await engineTruth(engine.docker, image, archive);
        const one = { archive, hash: await hashOfArchive(archive), truth };
        saved.set(image, one);
        return one;
      }

      beforeAll(async () => {
        folder = await mkdtemp(join(tmpdir(), 'dimgx-straight-'));
        engine = await start(inject('dockerHost'));
        await makeLayeredImages(engine, folder);
        for (const image of IMAGES) await save(image);
      });
      afterAll(async () => {
        await engine?.stop();
        await removeTree(folder);
      });

      async function straight(way: string, ...args: string[]): Promise<string> {
        const surroundings = engine.ways[way] as Way;
        const { stdout, stderr, code } = await runDimgxIn(surroundings, ...(surroundings.args ?? []), ...args);
        expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
        return stdout;
      }

      async function hashStraight(way: string, ...args: string[]): Promise<string> {
        await straight(way, '-w', '-t', `${folder}/straight.tar`, ...args);
        return await hashOf(`${folder}/straight.tar`);
      }

      async function hashOfArchive(archive: string, ...args: string[]): Promise<string> {
        const run = await runDimgx('-w', '-t', `${folder}/flat.tar`, ...args, archive);
        expect(run).toMatchObject({ stderr: '', code: 0 });
        return await hashOf(`${folder}/flat.tar`);
      }

      const byWay = ways.map((way) => ({ way, images: way === anyWay ? IMAGES : SOME_IMAGES }));
      describe.each(byWay)('by $way', ({ way, images }) => {
        it.each(images)('%s is flattened to the bytes that its archive gives', async (image) => {
          expect(await hashStraight(way, image)).toBe(savedOf(image).hash);
        });

        it.each(images)('%s is listed as the engine tells of it and of its parents', async (image) => {
          expectTable(await straight(way, image), savedOf(image).truth, isPodman);
          expectJson(await straight(way, '--json', image), savedOf(image).truth);
        });
      });

      it.each([imported, child, committed])('%s is the tree that a container sees', async (image) => {
        const expected = await engine.list(image);
        await straight(anyWay, '-w', '-t', `${folder}/straight.tar`, image);
        const { tree, stderr } = await extractTar('GNU tar', `${folder}/straight.tar`, folder);
        expect(stderr).toBe('');
        expect(treeDifferences(expected, tree, engine.ignore)).toEqual([]);
      });

      it('an image without a name is found by the beginning of its ID', async () => {
        const id = savedOf(child).truth.chain[1]?.Id.slice(-64) as string;
        const { hash, truth } = await save(id);
        expect(truth.chain[0]?.RepoTags).toEqual([]);
        expect(await hashStraight(anyWay, id.slice(0, 20))).toBe(hash);
        expectTable(await straight(anyWay, id.slice(0, 20)), truth, isPodman);
      });

      it('layers are chosen by names and IDs of parents, as by their numbers in the archive', async () => {
        const { archive, truth } = savedOf(child);
        const [{ Id, RootFS }] = savedOf(middle[1]).truth.chain as [InspectedImage];
        const [id, at] = [Id.slice(-64, -50), RootFS.Layers.length];
        const short = truth.layerIds.map((layerId) => layerId.slice(0, 12));
        const same: Readonly<Record<string, readonly string[]>> = {
          [`@${at}`]: [middle[0], id],
          [`@${at}:@-2`]: [`${middle[1]}:${short[1]}`],
          [`@${at}:@1`]: [`${id}:straight/imported`],
        };
        for (const [numbers, specs] of Object.entries(same)) {
          const expected = await hashOfArchive(archive, '-l', numbers);
          for (const spec of specs) expect(await hashStraight(anyWay, '-l', spec, child), spec).toBe(expected);
        }
        const quiet = async (...args: string[]) => (await straight(anyWay, '-q', ...args, child)).trimEnd().split('\n');
        expect(await quiet()).toEqual(short);
        expect(await quiet('-l', `${imported}:${middle[1]}`)).toEqual(short.slice(-at));
        expect(await quiet('-l', `${middle[1]}:${imported}`)).toEqual(short.slice(-at).reverse());
      });
    });
  });
});

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
