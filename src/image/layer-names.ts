import { shortId } from '../base/text/short-id.js';

/**
 * What to call an image's layers in messages: the short IDs that a listing shows, with `@N`, counted from 1 as in layer
 * specs, where two layers would have the same.
 *
 * @param ids of the layers, oldest to newest
 */
export function layerNames(ids: readonly string[]): readonly string[] {
  const short = ids.map(shortId);
  const counts = new Map<string, number>();
  for (const id of short) counts.set(id, (counts.get(id) ?? 0) + 1);
  return short.map((id, index) => (counts.get(id) === 1 ? id : `${id}@${index + 1}`));
}
