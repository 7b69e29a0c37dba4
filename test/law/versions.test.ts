import { createHash } from 'node:crypto';
import { test } from 'vitest';
import { listVersions, type Version } from '#dimgx/evidence/list-versions.js';
import { seeded } from '../fuzz/random.js';
import { withLayers } from '../helpers/flatten-layers.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { readTar } from '../helpers/read-tar.js';
import { treeDifferences } from '../helpers/tree-differences.js';
import { RUNS, SEED } from './bounds.js';
import { checkLaw } from './check-law.js';
import { decodedLayer } from './decoded-entry.js';
import { looseTree } from './loose-tree.js';
import { keptBy, randomRules } from './random-rules.js';
import type { Stack } from './random-stack.js';
import { tarsOf } from './tars-of.js';
import { fieldsOf, type Thing } from './thing.js';
import {
  type ModelVersion,
  type ModelVersions,
  modelAliases,
  modelHiddenPaths,
  modelVersions,
} from './version-model.js';
import { withoutRefused } from './without-refused.js';

/** One that is not selected. */
const OTHER_LAYER = [{ name: 'a', content: 'other' }];

test('versions of random stacks are those of the reference model', { timeout: 0 }, async () => {
  const law = async (stack: Stack) => {
    const versions = await withLayers(stack, {}, (indexes) => [...listVersions(indexes)]);
    return listDifferences(expectedVersions(modelVersions(stack)), shownVersions(versions));
  };
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});

test('layers in any order, some of an image, have their numbers in it', { timeout: 0 }, async () => {
  const random = seeded(SEED);
  const law = async (stack: Stack) => {
    const image = stack.flatMap((layer) => [{ layer }, { layer: OTHER_LAYER }]);
    for (let i = image.length - 1; i > 0; i--) image.push(...image.splice(random(i + 1), 1));
    const positions = stack.map((layer) => image.findIndex((placed) => placed.layer === layer));
    const select = positions.toReversed();
    const versions = await withLayers(
      image.map(({ layer }) => layer),
      { select },
      (indexes) => [...listVersions(indexes)],
    );
    return listDifferences(expectedVersions(modelVersions(stack), positions), shownVersions(versions));
  };
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});

test('what is not asked for is left out of the hidden versions, too', { timeout: 0 }, async () => {
  const random = seeded(SEED);
  const law = async (stack: Stack) => {
    const paths = randomRules(random);
    const excludeDevices = random(2) === 0;
    const options = { excludeDevices, ...(random(5) > 0 && { paths }) };
    const versions = await withLayers(stack, {}, (indexes) => [...listVersions(indexes, options)]);
    const expected = modelVersions(stack, { excludeDevices, ...(options.paths && { keeps: keptBy(options.paths) }) });
    const wrong = listDifferences(expectedVersions(expected), shownVersions(versions));
    return wrong.map((line) => `with ${options.paths?.join(' ')}, devices excluded: ${excludeDevices}: ${line}`);
  };
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});

test('the hidden tar has each hidden version once, as its layer describes it', { timeout: 0 }, async () => {
  const law = async (stack: Stack) => {
    const { hidden } = await tarsOf(stack);
    return treeDifferences(expectedHidden(stack), looseTree(hidden), () => false);
  };
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});

test('the flat tar has all present versions in their order, and with the hidden tar all contents', {
  timeout: 0,
}, async () => {
  const law = async (stack: Stack) => {
    const { flat, hidden, present } = await tarsOf(stack);
    const entries = readTar(flat);
    const names = entries.map(({ name }) => name.replace(/^\.\//, '').replace(/\/$/, ''));
    const held = new Set([...entries, ...readTar(hidden)].map(({ fields }) => fields.sha256));
    const files = stack.flatMap(decodedLayer).filter(({ type, marker }) => type === 'file' && marker === undefined);
    const lost = files.filter(({ content }) => !held.has(createHash('sha256').update(content, 'latin1').digest('hex')));
    return [...listDifferences(names, present), ...lost.map(({ path }) => `no tar has the contents of "${path}"`)];
  };
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});

function listDifferences(expected: readonly string[], actual: readonly string[]): string[] {
  const at = expected.findIndex((line, i) => line !== actual[i]);
  if (at < 0 && expected.length === actual.length) return [];
  const first = at < 0 ? expected.length : at;
  return [`line ${first} is\n  ${actual[first]}, should be\n  ${expected[first]}`];
}

/** Inodes are told apart, not compared: they are numbered as they come. */
class Numbers<T> {
  readonly #numbers = new Map<T, number>();

  of = (inode: T): number => {
    if (!this.#numbers.has(inode)) this.#numbers.set(inode, this.#numbers.size);
    return this.#numbers.get(inode) as number;
  };
}

/** Bytes as the library shows them. */
const shown = (latin1: string) => Buffer.from(latin1, 'latin1').toString();

/** @param positions of the layers in their image */
function expectedVersions({ present, hidden }: ModelVersions, positions?: readonly number[]): readonly string[] {
  const numbers = new Numbers<Thing>();
  const layerNumber = (layer: number) => 1 + (positions?.[layer] ?? layer);
  return [...present, ...hidden].map((version) => {
    const { path, thing, layer, entry, shadows, hiddenBy } = version;
    const { type, mode, owner, mtime, target, device, content } = thing;
    const isDirectory = type === 'directory';
    const sameFile = (other: ModelVersion) => !isDirectory && other.thing === thing;
    const [major, minor] = device.split(':').map(Number);
    return JSON.stringify({
      path: shown(path),
      bytes: path,
      type: type.replace(' device', ''),
      mode,
      owner,
      size: content.length,
      mtime,
      target: type === 'symlink' ? shown(target) : undefined,
      device: device === '' ? undefined : { major, minor },
      inode: numbers.of(thing),
      nlink: isDirectory ? 1 : (hiddenBy ? hidden : present).filter(sameFile).length,
      layer: layerNumber(layer),
      state: hiddenBy ? 'hidden' : 'present',
      hiddenBy: hiddenBy && { layer: layerNumber(hiddenBy.layer), how: hiddenBy.how, path: shown(hiddenBy.path) },
      aliveAs: hiddenBy && !isDirectory ? modelAliases(version, present).map(shown) : [],
      shadows: shadows.map((shadow) => ({ layer: layerNumber(shadow.layer), inode: numbers.of(shadow.thing) })),
      implied: entry < 0,
    });
  });
}

function shownVersions(versions: readonly Version[]): readonly string[] {
  const numbers = new Numbers<number>();
  return versions.map((version) => {
    const { path, pathBytes, type, mode, uid, gid, size, mtime, mtimeNanos, target, device } = version;
    const { nlink, layer, state, hiddenBy, aliveAs, implied } = version;
    return JSON.stringify({
      path,
      bytes: Buffer.from(pathBytes).toString('latin1'),
      type,
      mode,
      owner: `${uid}:${gid}`,
      size,
      mtime: `${mtime}.${String(mtimeNanos).padStart(9, '0')}`,
      target,
      device,
      inode: numbers.of(version.inode),
      nlink,
      layer,
      state,
      hiddenBy: hiddenBy && { layer: hiddenBy.layer, how: hiddenBy.how, path: hiddenBy.path },
      aliveAs,
      shadows: version.shadows.map((shadow) => ({ layer: shadow.layer, inode: numbers.of(shadow.inode) })),
      implied,
    });
  });
}

function expectedHidden(stack: Stack) {
  const { hidden } = modelVersions(stack);
  const paths = modelHiddenPaths(hidden, stack.map(folderOf));
  const namesOf = (thing: Thing) =>
    hidden.filter((other) => other.thing === thing).map((other) => paths.get(other) as string);
  return new Map(
    hidden.map((version) => [paths.get(version) as string, fieldsOf(version.thing, namesOf(version.thing).sort())]),
  );
}

function folderOf(layer: Stack[number], number: number): string {
  return `layer-${number + 1}-${createHash('sha256').update(rawLayer(layer)).digest('hex').slice(0, 12)}`;
}
