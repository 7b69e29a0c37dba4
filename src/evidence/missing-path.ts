import { pathData, printable, quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { literalPath, versionsAt } from './path-versions.js';
import type { Versions } from './versions.js';

/** Most layers that a message names. */
const MOST_NAMED = 5;

/**
 * @param path as the caller gave it
 * @param resolved where it leads
 */
export function noSuchPath(versions: Versions, path: Uint8Array, resolved: Uint8Array): DimgxError {
  const { layers } = versions.merged;
  const isAll = layers.length === 0 || layers.length === layers[0]?.place.of;
  const message = `${leadsTo(path, resolved)} is not in the ${isAll ? 'image' : 'selected layers'}`;
  return new DimgxError('DIMGX_PATH_NOT_FOUND', message, pathData(path));
}

/** Names a path, and what it leads to if symlinks are on the way. */
function leadsTo(path: Uint8Array, resolved: Uint8Array): string {
  const isSame = Buffer.compare(literalPath(path), resolved) === 0;
  return isSame ? quoted(path) : `${quoted(path)} leads to "/${printable(resolved, 200)}", which`;
}

/**
 * Says that a path has hidden versions only: which layers have it, what hides it, and how to get at it.
 *
 * @param path as the caller gave it
 * @param resolved where it leads
 */
export function hiddenPath(versions: Versions, path: Uint8Array, resolved: Uint8Array): DimgxError {
  const hidden = versionsAt(versions, resolved).filter((node) => versions.hiderOf(node));
  const [newest] = hidden;
  const hider = newest === undefined ? undefined : versions.hiderOf(newest);
  if (newest === undefined || !hider) return noSuchPath(versions, path, resolved);
  const { tree } = versions.merged;
  const layers = [...new Set(hidden.map((node) => versions.layerNumber(tree.layer(node))))];
  const named = layers.slice(0, MOST_NAMED).map((layer) => `@${layer}`);
  const more = layers.length > named.length ? ` and ${layers.length - named.length} more` : '';
  const subject = `layer${layers.length === 1 ? '' : 's'} ${named.join(', ')}${more} ${layers.length === 1 ? 'has' : 'have'} it`;
  const by = `"/${printable(hider.path, 200)}" of layer @${versions.layerNumber(hider.layer)} hides it (${hider.how})`;
  const isSame = Buffer.compare(literalPath(path), resolved) === 0;
  const advice = `select its layer with -l ${named[0]}${isSame ? '' : `, and name it as "/${printable(resolved, 200)}"`}`;
  const message = `${leadsTo(path, resolved)} is hidden: ${subject}, and ${by}: ${advice}`;
  return new DimgxError('DIMGX_PATH_HIDDEN', message, pathData(path));
}

/** @param path as the caller gave it @param type of what is there */
export function notFile(path: Uint8Array, type: string): DimgxError {
  const what = { directory: 'a directory', symlink: 'a symlink', fifo: 'a FIFO' }[type] ?? 'a device';
  return new DimgxError('DIMGX_PATH_NOT_FILE', `${quoted(path)} is ${what}, not a file`, pathData(path));
}
