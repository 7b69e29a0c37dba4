import type { Warn } from '../errors.js';
import type { FoundImage } from './form/source.js';

/** Warns about malformed parts of an image's documents that were ignored because they do not change the tree. */
export function warnOfOddities({ config, oddities = [], layers }: FoundImage, warn: Warn): void {
  const [first] = oddities;
  if (first !== undefined) warn({ code: 'DIMGX_IMAGE_ODD_MANIFEST', message: first, count: oddities.length });
  if (config.oddity) warn({ code: 'DIMGX_IMAGE_ODD_CONFIG', message: config.oddity, count: 1 });
  const made = config.history.filter(({ madeLayer }) => madeLayer).length;
  if (config.history.length === 0 || made === layers.length) return;
  const message = `the history in the config tells of ${made} layers and the image has ${layers.length}: it is left out`;
  warn({ code: 'DIMGX_IMAGE_ODD_CONFIG', message, count: 1 });
}
