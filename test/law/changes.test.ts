import { test } from 'vitest';
import { changesOf } from '#dimgx/evidence/changes.js';
import { type ChangeCount, countChanges } from '#dimgx/evidence/count-changes.js';
import { Versions } from '#dimgx/evidence/versions.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import { withLayers } from '../helpers/flatten-layers.js';
import { RUNS } from './bounds.js';
import { checkLaw } from './check-law.js';
import { decodedLayer, parentOf } from './decoded-entry.js';
import type { Stack } from './random-stack.js';
import { Model } from './reference-model.js';
import { type Name, type Thing, walk } from './thing.js';
import { withoutRefused } from './without-refused.js';

type Range = readonly [from: number, to: number];

test('what layers did is the difference of the trees before and after them', { timeout: 0 }, async () => {
  const law = (stack: Stack) =>
    withVersions(stack, (versions) =>
      rangesOf(stack).flatMap(([from, to]) => {
        const expected = modelChanges(stack, [from, to]);
        const actual = linesOf(versions, [from, to]);
        return listDifference(`layers ${from} to ${to}`, expected, actual);
      }),
    );
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});

test('the changes of each layer are counted as they are told', { timeout: 0 }, async () => {
  const law = (stack: Stack) =>
    withVersions(stack, (versions) => {
      const told = stack.map((_, layer) => shownCount(countOf(linesOf(versions, [layer, layer]))));
      return listDifference('the count', told, countChanges(versions).map(shownCount));
    });
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});

function withVersions<T>(stack: Stack, use: (versions: Versions) => T): Promise<T> {
  return withLayers(stack, {}, (indexes) => use(new Versions(mergeLayers(indexes, { explain: true }))));
}

function rangesOf(stack: Stack): Range[] {
  return stack.flatMap((_, from) => stack.slice(from).map((_, more): Range => [from, from + more]));
}

function linesOf(versions: Versions, [from, to]: Range): string[] {
  return [...changesOf(versions, from, to)].map(({ kind, path }) => `${kind} ${path.toString('latin1')}`);
}

/** Compares names before and after. What the layers describe among what was there below is marked on the way. */
function modelChanges(stack: Stack, [from, to]: Range): string[] {
  const model = new Model();
  for (const layer of stack.slice(0, from)) model.apply(decodedLayer(layer));
  const before = namesOf(model.root);
  for (const { thing } of before.values()) thing.described = false;
  for (const layer of stack.slice(from, to + 1)) model.apply(decodedLayer(layer));
  const after = namesOf(model.root);
  const isDirectory = (path: string) => path === '' || after.get(path)?.thing.type === 'directory';
  const lines: (readonly [path: string, line: string])[] = [];
  for (const [path, name] of after) {
    const old = before.get(path);
    const isChanged = old !== name || (name.thing.type === 'directory' && name.thing.described);
    if (isChanged) lines.push([path, `${old ? 'C' : 'A'} ${path}`]);
  }
  for (const path of before.keys()) {
    if (!after.has(path) && isDirectory(parentOf(path))) lines.push([path, `D ${path}`]);
  }
  return lines.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, line]) => line);
}

/** What bears each name is one object from the moment it is made. Paths are Latin-1. */
function namesOf(root: Thing): ReadonlyMap<string, Name> {
  const names = new Map<string, Name>();
  walk(root, '', (path, name) => names.set(path, name));
  return names;
}

type Count = Omit<ChangeCount, 'bytes'>;

function countOf(lines: readonly string[]): Count {
  const count = (kind: string) => lines.filter((line) => line.startsWith(kind)).length;
  return { added: count('A'), changed: count('C'), removed: count('D') };
}

function shownCount({ added, changed, removed }: Count): string {
  return `${added} added, ${changed} changed, ${removed} removed`;
}

function listDifference(what: string, expected: readonly string[], actual: readonly string[]): string[] {
  const at = expected.findIndex((line, i) => line !== actual[i]);
  if (at < 0 && expected.length === actual.length) return [];
  const first = at < 0 ? expected.length : at;
  return [`${what}: line ${first} is ${JSON.stringify(actual[first])}, should be ${JSON.stringify(expected[first])}`];
}
