import { decodedLayer, type Entry, parentOf } from './decoded-entry.js';
import type { Stack } from './random-stack.js';
import { Model, type Observer } from './reference-model.js';
import type { Thing } from './thing.js';

/** What one entry of one layer made of a path; or a directory that is only implied, which no entry describes. */
export interface ModelVersion {
  readonly path: string;
  readonly thing: Thing;
  /** Number of its layer, where 0 is the oldest; of the newest that describes it. */
  readonly layer: number;
  /** Number of its entry in the layer, from 0; -1 for a directory that is only implied. */
  readonly entry: number;
  /** Older entries of the path, newest first. */
  readonly shadows: readonly PathEntry[];
  readonly hiddenBy?: { readonly layer: number; readonly how: string; readonly path: string };
  /** The directory it was put in; none for the root. */
  readonly within: Thing | undefined;
}

interface PathEntry {
  readonly layer: number;
  readonly thing: Thing;
}

export interface ModelVersions {
  readonly present: readonly ModelVersion[];
  readonly hidden: readonly ModelVersion[];
}

export interface ModelOptions {
  /** Whether the caller's rules keep a path. */
  readonly keeps?: (path: string) => boolean;
  readonly excludeDevices?: boolean;
}

/**
 * All versions of a stack: those that are present in the order of the flat tar, those that are hidden by layer and then
 * by path.
 *
 * @throws Refusal
 */
export function modelVersions(
  stack: Stack,
  { keeps = () => true, excludeDevices = false }: ModelOptions = {},
): ModelVersions {
  const versions = new VersionModel();
  const model = new Model(versions);
  versions.onBrought('', model.root, undefined);
  for (const layer of stack.map(decodedLayer)) {
    versions.begin(layer);
    model.apply(layer);
  }
  const isListed = ({ path, entry, thing, hiddenBy }: ModelVersion) =>
    (hiddenBy || path === '' ? entry >= 0 : true) && !(excludeDevices && thing.type.endsWith(' device'));
  const standing = withDirectories([...versions.standing.values()], keeps);
  const hidden = withDirectories(versions.hidden, keeps);
  return { present: inPathOrder(standing.filter(isListed)), hidden: inLayerOrder(hidden.filter(isListed)) };
}

/** The versions that rules keep, and the directories among them that they were put in. */
function withDirectories(versions: readonly ModelVersion[], keeps: (path: string) => boolean): readonly ModelVersion[] {
  const kept = new Set(versions.filter(({ path }) => path === '' || keeps(path)));
  for (const version of kept) for (const above of versions) if (above.thing === version.within) kept.add(above);
  return [...kept];
}

/** Keeps what stands at each path, and moves to the hidden versions what is removed. */
class VersionModel implements Observer {
  readonly standing = new Map<string, ModelVersion>();
  readonly hidden: ModelVersion[] = [];
  readonly #entries = new Map<string, PathEntry[]>();
  #layer = -1;
  #current: readonly Entry[] = [];

  begin(layer: readonly Entry[]): void {
    this.#layer++;
    this.#current = layer;
  }

  onBrought(path: string, thing: Thing, entry: Entry | undefined): void {
    const older = this.#entries.get(path) ?? [];
    const number = entry ? this.#current.indexOf(entry) : -1;
    const within = path === '' ? undefined : this.standing.get(parentOf(path))?.thing;
    this.standing.set(path, { path, thing, within, layer: this.#layer, entry: number, shadows: older.toReversed() });
    if (entry) this.#entries.set(path, [...older, { layer: this.#layer, thing }]);
  }

  onRemoved(path: string, _: Thing, how: 'removed' | 'opaque' | 'replaced', by: string): void {
    for (const version of [...this.standing.values()]) {
      const isItself = version.path === path;
      if (!isItself && !version.path.startsWith(`${path}/`)) continue;
      const isOwn = version.layer === this.#layer;
      const replaced = !isItself ? 'parent' : isOwn ? 'duplicate' : 'replaced';
      const hiddenBy = { layer: this.#layer, how: how === 'replaced' ? replaced : how, path: by };
      this.standing.delete(version.path);
      this.hidden.push({ ...version, hiddenBy });
    }
  }
}

/** As in a tar, a directory before what is in it; of one path the newest first. */
function inPathOrder(versions: readonly ModelVersion[]): readonly ModelVersion[] {
  const place = ({ path }: ModelVersion) => path.replaceAll('/', '\0');
  return versions.toSorted((one, other) => compared(place(one), place(other)) || other.entry - one.entry);
}

function inLayerOrder(versions: readonly ModelVersion[]): readonly ModelVersion[] {
  return inPathOrder(versions).toSorted((one, other) => one.layer - other.layer);
}

function compared(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** The present names of the file of a version, of which no more are listed than have the length of one path. */
export function modelAliases({ thing }: ModelVersion, present: readonly ModelVersion[]): readonly string[] {
  const names = present.filter((other) => other.thing === thing).map(({ path }) => path);
  const length = (count: number) => names.slice(0, count).reduce((sum, name) => sum + name.length, 0);
  return names.filter((_, i) => i === 0 || length(i + 1) <= 4095);
}

/**
 * The path of each hidden version in the tar of them. Of versions of one layer that exclude one another, what the layer
 * leaves has its place, and then the last does; all others have a folder of their own.
 *
 * @param folders for each layer, the name of its folder
 */
export function modelHiddenPaths(
  hidden: readonly ModelVersion[],
  folders: readonly string[],
): ReadonlyMap<ModelVersion, string> {
  const paths = new Map<ModelVersion, string>();
  const isOwn = ({ layer, hiddenBy }: ModelVersion) => layer === hiddenBy?.layer;
  const byRight = hidden.toSorted((one, other) => Number(isOwn(one)) - Number(isOwn(other)) || other.entry - one.entry);
  const taken: ModelVersion[] = [];
  for (const version of byRight) {
    const folder = folders[version.layer] as string;
    const isFree = taken.every((other) => other.layer !== version.layer || goTogether(version, other));
    if (isFree) taken.push(version);
    paths.set(version, `${isFree ? folder : `${folder}-entry-${version.entry + 1}`}/${version.path}`);
  }
  return paths;
}

function goTogether(one: ModelVersion, other: ModelVersion): boolean {
  const isInWay = (above: ModelVersion, below: ModelVersion) =>
    above.thing.type !== 'directory' && below.path.startsWith(`${above.path}/`);
  return one.path !== other.path && !isInWay(one, other) && !isInWay(other, one);
}
