import { pathData, printable, quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { versionsAt } from './path-versions.js';
import type { Versions } from './versions.js';

/** Most layers that a message names. */
const MOST_NAMED = 5;

/** @param path as the caller gave it */
export function noSuchPath(path: Uint8Array): DimgxError {
  return new DimgxError('DIMGX_PATH_NOT_FOUND', `${quoted(path)} is not in the image`, pathData(path));
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
  if (newest === undefined || !hider) return noSuchPath(path);
  const { tree } = versions.merged;
  const layers = [...new Set(hidden.map((node) => versions.layerNumber(tree.layer(node))))];
  const named = layers.slice(0, MOST_NAMED).map((layer) => `@${layer}`);
  const more = layers.length > named.length ? ` and ${layers.length - named.length} more` : '';
  const subject = `layer${layers.length === 1 ? '' : 's'} ${named.join(', ')}${more} ${layers.length === 1 ? 'has' : 'have'} it`;
  const by = `"${printable(hider.path, 200)}" of layer @${versions.layerNumber(hider.layer)} hides it (${hider.how})`;
  const message = `${quoted(path)} is hidden: ${subject}, and ${by}: select its layer with -l ${named[0]}`;
  return new DimgxError('DIMGX_PATH_HIDDEN', message, pathData(path));
}
