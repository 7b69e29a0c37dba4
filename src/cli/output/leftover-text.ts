import prettyBytes from 'pretty-bytes';
import { type Leftover, printable } from '../../index.js';
import { alignColumns, relativeTime } from './table.js';

/** In characters. */
const LONGEST = 200;

/** What an engine's storage has that nothing uses, a line for each; empty if there is nothing. */
export function leftoverTable(leftovers: readonly Leftover[], now: Date): string {
  if (leftovers.length === 0) return '';
  const areSeveral = leftovers.some(({ store }) => store !== undefined);
  const rows = leftovers.map(({ store, id, kind, path, size, modified }) => [
    ...(areSeveral ? [printable(store ?? '-', LONGEST)] : []),
    printable(id.replace(/^([0-9a-f]{12})[0-9a-f]{52}/, '$1'), LONGEST),
    kind,
    relativeTime(modified, now),
    size === undefined ? '-' : prettyBytes(size),
    printable(path, LONGEST),
  ]);
  const heads = ['LEFTOVER ID', 'KIND', 'CHANGED', 'SIZE', 'PATH'];
  return `${alignColumns([[...(areSeveral ? ['STORAGE'] : []), ...heads], ...rows]).join('\n')}\n`;
}

/** One of them for `--json`. Every key is always present; an unknown value is `null`. */
export function leftoverJson({ kind, id, path, size, modified, isLayer, store }: Leftover) {
  return {
    ...{ kind, id, path, size: size ?? null, modified: modified ?? null },
    layer: isLayer,
    store: store ?? null,
  };
}
