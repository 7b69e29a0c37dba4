import * as v from 'valibot';
import { quoted } from '../../../base/text/printable.js';
import { parseDocument } from '../../../image/document.js';
import type { DamagedLists } from '../damaged-lists.js';
import { type IdRange, rangeOf } from '../folder/id-map.js';
import type { StoreFiles } from '../store-files.js';

/** How the owners in a layer or a container are mapped. Source: containers/storage, pkg/idtools. */
export const RangesSchema = v.nullish(
  v.array(v.object({ container_id: v.number(), host_id: v.number(), size: v.number() })),
  [],
);

const Text = v.nullish(v.string(), '');

/** Source: containers/storage, layers.go. */
export const LayersSchema = v.array(
  v.object({
    id: v.string(),
    parent: Text,
    'diff-digest': Text,
    'compressed-diff-digest': Text,
    'diff-size': v.nullish(v.number()),
    flags: v.nullish(v.record(v.string(), v.unknown()), {}),
    uidmap: RangesSchema,
    gidmap: RangesSchema,
  }),
);

/** Limit of a list, in bytes: it grows with what it lists. */
const MAX_LIST = 64 * 2 ** 20;

/** What reads the lists of a storage. */
export interface ListReader {
  readonly files: StoreFiles;
  readonly damaged: DamagedLists;
}

/**
 * Reads one of the lists of a storage: a JSON array.
 *
 * @param lost as in `DamagedLists.read`
 * @returns `undefined` if there is none, or if it is damaged
 * @throws DIMGX_SOURCE_UNREADABLE
 */
export function readList<const S extends v.GenericSchema>(
  { files, damaged }: ListReader,
  path: string,
  schema: S,
  lost: string,
): v.InferOutput<S> | undefined {
  return damaged.read(path, lost, () => {
    const bytes = files.read(path, MAX_LIST);
    return bytes && parseDocument(bytes, schema, quoted(path));
  });
}

/** A layer in the list of them. */
export type StorageLayer = v.InferOutput<typeof LayersSchema>[number];

export function isSet(flags: StorageLayer['flags'], name: string): boolean {
  return flags != null && Object.hasOwn(flags, name) && Boolean(flags[name]);
}

/** Those that are well formed. */
export function rangesOf(maps: v.InferOutput<typeof RangesSchema>): readonly IdRange[] {
  return (maps ?? []).flatMap(
    ({ container_id: container, host_id: host, size }) => rangeOf(container, host, size) ?? [],
  );
}
