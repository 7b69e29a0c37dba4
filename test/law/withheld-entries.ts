import type { RawEntry } from '../helpers/raw-layer.js';
import { decodedLayer, type Entry, joined, parentOf } from './decoded-entry.js';
import { directoryOf, placeOf } from './own-symlinks.js';
import type { Stack } from './random-stack.js';
import { Model } from './reference-model.js';
import { refusalsAbove } from './without-refused.js';

/** As far as a path may go below the folder of a judge. */
const MAX_PATH = 3000;

/** Leaves out of every layer the entries that are found. */
export function dropping(isFound: (entry: Entry, layer: readonly Entry[]) => boolean): (stack: Stack) => Stack {
  return (stack) =>
    stack.map((raw) => {
      const layer = decodedLayer(raw);
      const found = new Set(layer.filter((entry) => isFound(entry, layer)).map((entry) => entry.raw));
      return raw.filter((entry) => !found.has(entry));
    });
}

/** Changes the entries of every layer. */
export function changing(
  change: (raw: RawEntry, layer: readonly RawEntry[], entry: Entry) => RawEntry,
): (stack: Stack) => Stack {
  return (stack) =>
    stack.map((layer) => {
      const changed = new Map(decodedLayer(layer).map((entry) => [entry.raw, change(entry.raw, layer, entry)]));
      return layer.map((raw) => changed.get(raw) ?? raw);
    });
}

export function withoutRefusedAlone(layer: readonly RawEntry[], code: string): readonly RawEntry[] {
  const refused = refusalsAbove([], layer).filter((refusal) => refusal.code === code);
  return layer.filter((raw) => refused.every(({ entry }) => entry !== raw));
}

export function withoutMarkersThatCannotBeWritten(layer: readonly RawEntry[]): readonly RawEntry[] {
  const markers = new Map<RawEntry, RawEntry>();
  for (const { marker, path, raw } of decodedLayer(layer)) {
    if (marker) markers.set({ name: joined(parentOf(path), `.probe${markers.size}`) }, raw);
  }
  const probes = new Map([...markers].map(([probe, marker]) => [marker, probe]));
  const refused = refusalsAbove(
    [],
    layer.map((raw) => probes.get(raw) ?? raw),
  ).map(({ entry }) => markers.get(entry));
  return layer.filter((raw) => !refused.includes(raw));
}

export function withoutUselessMarkers(below: Stack, layer: readonly RawEntry[]): readonly RawEntry[] {
  const entries = decodedLayer(layer);
  const model = new Model();
  for (const older of below.map(decodedLayer)) model.apply(older);
  model.apply(entries);
  const isUseless = (entry: Entry) => entry.marker && !model.directory(directoryOf(entries, entry));
  const useless = new Set(entries.filter(isUseless).map(({ raw }) => raw));
  return layer.filter((raw) => !useless.has(raw));
}

export function isWhiteoutOfOwn(whiteout: Entry, layer: readonly Entry[]): boolean {
  if (whiteout.marker !== 'whiteout') return false;
  const hidden = joined(directoryOf(layer, whiteout), whiteout.hides);
  return layer.some((entry, i) => {
    if (entry === whiteout) return false;
    const place = placeOf(layer, entry);
    if (place !== hidden) return place.startsWith(`${hidden}/`);
    return entry.type === 'directory' || i < layer.indexOf(whiteout);
  });
}

export function isInPlaceOfOwnTree(entry: Entry, layer: readonly Entry[]): boolean {
  if (entry.type === 'directory' || entry.marker) return false;
  const place = placeOf(layer, entry);
  const before = layer.slice(0, layer.indexOf(entry)).filter(({ type }) => type === 'directory' || type === 'symlink');
  return before.some((older) => placeOf(layer, older).startsWith(`${place}/`));
}

export function isDuplicate(entry: Entry, layer: readonly Entry[]): boolean {
  return layer.slice(0, layer.indexOf(entry)).some((older) => {
    if (older.path === entry.path) return true;
    const isOther = older.type === 'symlink' || (older.type === 'directory') !== (entry.type === 'directory');
    return isOther && placeOf(layer, older) === placeOf(layer, entry);
  });
}

export function isTooLong(path: string): boolean {
  return path.length > MAX_PATH || path.split('/').some((part) => part.length > 255);
}

export function isHardLink({ type }: RawEntry): boolean {
  return type === '1';
}

export function withoutPax(raw: RawEntry, isFound: (key: string, value: string) => boolean): RawEntry {
  const { pax, ...rest } = raw;
  const kept = pax?.filter(([key, value]) => !isFound(key, value)) ?? [];
  return kept.length === (pax?.length ?? 0) ? raw : { ...rest, ...(kept.length > 0 && { pax: kept }) };
}

export function withoutTime(raw: RawEntry): RawEntry {
  const { mtime, ...rest } = raw;
  return withoutPax(mtime === undefined ? raw : rest, (key) => key === 'mtime');
}

export function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}
