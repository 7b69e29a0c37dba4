import { shortId } from '../base/text/printable.js';

/**
 * Names of an image's layers for messages: the short IDs shown in the listing. Layers with the same short ID get `@N`
 * appended, counted from 1 as in layer specs.
 *
 * @param ids IDs of the layers, oldest to newest
 */
export function layerNames(ids: readonly string[]): readonly string[] {
  const short = ids.map(shortId);
  const counts = new Map<string, number>();
  for (const id of short) counts.set(id, (counts.get(id) ?? 0) + 1);
  return short.map((id, index) => (counts.get(id) === 1 ? id : `${id}@${index + 1}`));
}
