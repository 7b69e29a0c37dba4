import { guardCallbacks } from '../base/call/call.js';
import { printable, quoted } from '../base/text/printable.js';
import { checkOptions, requireThat } from '../check-options.js';
import { DimgxError, type Warn, type WarningCode } from '../errors.js';
import type { SelectOptions } from '../options.js';
import type { Image } from './image.js';
import type { HistoryRow, Layer } from './layer.js';

/**
 * Selects layers by spec and puts them in order. Earlier layers win over later ones.
 *
 * Without specs: all layers, newest first, or oldest first with `reverse`. With specs: each spec appends its layers in
 * the order given (`A:B` from A to B); then the list is reversed unless `reverse` is set; then all but the first
 * mention of each layer are dropped.
 *
 * A spec is one of the following. The first reading that names a layer is used:
 * 1. a tag of the image whose newest layer it is (`name` means `name:latest`),
 * 2. `@N`: `@1` is the base layer, `@-1` the newest,
 * 3. the first hex digits of a diff ID, blob digest, legacy layer ID or image ID, in either case, with or without a
 *    leading `sha256:`,
 * 4. `A:B`, where A and B are each one of the above: all layers from A to B inclusive, in either direction. Since names
 *    contain colons too, every colon is tried; exactly one must give a valid range.
 *
 * A history step that made no layer can be named if the engine knows its image, as the end of a range or alone. It adds
 * no layer itself.
 *
 * A spec that matches several layers is unresolved, as in 2015. So is the ID of a layer whose exact bytes occur twice
 * in the image; use `@N` to tell the two apart. A range with an unresolved end adds nothing.
 *
 * @param onWarning called with DIMGX_LAYER_SPEC_UNRESOLVED, DIMGX_LAYER_SPEC_EMPTY (an end of the range is
 *   missing) and DIMGX_LAYER_NONE_SELECTED
 * @throws DIMGX_LAYER_SPEC_INVALID instead of the first two warnings, with `strict`; DIMGX_OPTION_INVALID,
 *   DIMGX_CALLBACK_FAILED
 */
export function selectLayers(image: Image, options: SelectOptions = {}, onWarning?: Warn): readonly Layer[] {
  requireThat(Array.isArray(image?.history), 'the image', 'an image from openImage', image);
  checkOptions(options);
  requireThat(onWarning === undefined || typeof onWarning === 'function', 'onWarning', 'a function', onWarning);
  const { onWarning: warn } = guardCallbacks({ onWarning }, () => {});
  const complain = (code: WarningCode, message: string) => {
    if (options.strict) throw new DimgxError('DIMGX_LAYER_SPEC_INVALID', message);
    warn?.({ code, message, count: 1 });
  };
  const rows = options.layers?.flatMap((spec) => resolve(spec, image, complain)) ?? [...image.history];
  if (!options.reverse) rows.reverse();
  const selected = [...new Set(rows.flatMap(({ layer }) => layer ?? []))];
  if (selected.length === 0) {
    const message = `no layer of ${printable(image.reference)} is selected`;
    warn?.({ code: 'DIMGX_LAYER_NONE_SELECTED', message, count: 1 });
  }
  return selected;
}

type Complain = (code: WarningCode, message: string) => void;

/** The history rows that a spec names, in its order. */
function resolve(spec: string, image: Image, complain: Complain): readonly HistoryRow[] {
  const whole = locate(spec, image.history);
  if (whole.length === 1) return whole;
  const splits = [...spec.matchAll(/:/g)].map(({ index }) => [spec.slice(0, index), spec.slice(index + 1)] as const);
  const ranges = splits.flatMap(([a, b]) => {
    const [from, ...otherFrom] = locate(a, image.history);
    const [to, ...otherTo] = locate(b, image.history);
    const isClear = from && to && otherFrom.length === 0 && otherTo.length === 0;
    return isClear ? [range(image.history, from, to)] : [];
  });
  if (ranges.length === 1 && ranges[0]) return ranges[0];

  const shown = quoted(spec);
  if (spec === '' || spec.startsWith(':') || spec.endsWith(':')) {
    complain('DIMGX_LAYER_SPEC_EMPTY', `the layer spec ${shown} has an empty end and selects no layer: name both ends`);
  } else if (ranges.length > 1) {
    complain('DIMGX_LAYER_SPEC_UNRESOLVED', `the layer spec ${shown} can be read as several ranges: use IDs or @N`);
  } else {
    complain('DIMGX_LAYER_SPEC_UNRESOLVED', whyUnresolved(spec, whole, splits, image));
  }
  return [];
}

/** Most matches to list in a message about an ambiguous name. */
const SHOWN = 4;

function whyUnresolved(
  spec: string,
  whole: readonly HistoryRow[],
  splits: readonly (readonly [string, string])[],
  image: Image,
): string {
  const names = whole.length === 0 && splits.length === 1 && !/^sha\d+:/i.test(spec) ? (splits[0] ?? [spec]) : [spec];
  return names
    .flatMap((name) => {
      const rows = locate(name, image.history);
      if (rows.length === 1) return [];
      const specText =
        name === spec ? `the layer spec ${quoted(spec)}` : `${quoted(name)} in the layer spec ${quoted(spec)}`;
      if (rows.length === 0) return `${specText} matches no layer of ${printable(image.reference)}`;
      const places = rows.map(({ layer, imageId }) => (layer ? `@${image.layers.indexOf(layer) + 1}` : imageId));
      const choice = places.length > SHOWN ? `${places.slice(0, SHOWN).join(', ')}…` : places.join(', ');
      return `${specText} matches several layers (${choice}): give more digits, or @N`;
    })
    .join('; ');
}

/** All rows that match a single name. */
function locate(name: string, rows: readonly HistoryRow[]): readonly HistoryRow[] {
  const isTag = (tag: string) => tag === name || tag === `${name}:latest`;
  const tagged = rows.filter(({ tags, layer }) => tags?.some(isTag) || layer?.tags.some(isTag));
  if (tagged.length > 0) return tagged;

  const counted = /^@(-?\d+)$/.exec(name);
  if (counted) {
    const number = Number(counted[1]);
    const ofLayers = rows.filter(({ layer }) => layer);
    const row = ofLayers[number < 0 ? ofLayers.length + number : number - 1];
    return row ? [row] : [];
  }

  const [, algorithm, hex] = /^(?:(sha\d+):)?([0-9a-f]+)$/.exec(name.toLowerCase()) ?? [];
  if (hex === undefined) return [];
  return rows.filter(({ imageId, layer }) =>
    [imageId, layer?.diffId, layer?.digest, layer?.legacyId, layer?.imageId, layer?.containerId].some((id) => {
      if (id === undefined) return false;
      const [idAlgorithm, idHex] = id.includes(':') ? id.split(':') : ['sha256', id];
      return (algorithm === undefined || algorithm === idAlgorithm) && idHex?.startsWith(hex);
    }),
  );
}

/** The rows from one to the other inclusive, in either direction. */
function range(rows: readonly HistoryRow[], from: HistoryRow, to: HistoryRow): readonly HistoryRow[] {
  const [a, b] = [rows.indexOf(from), rows.indexOf(to)];
  return a <= b ? rows.slice(a, b + 1) : rows.slice(b, a + 1).reverse();
}
