import * as v from 'valibot';
import { isObject, tryParseJson } from '../../base/text/go-json.js';
import type { WarningCode } from '../../errors.js';
import { SNAPSHOT_FORMAT } from '../snapshot-paths.js';

const Text = v.nullish(v.string());

/** What of `snapshot.json` can be held against the rest of a snapshot. */
const Snapshot = v.object({
  format: v.literal(SNAPSHOT_FORMAT),
  imageId: v.string(),
  manifestDigest: Text,
  tags: v.array(v.string()),
  platform: v.optional(v.record(v.string(), v.string())),
  treeDigest: v.string(),
  source: v.object({ transport: v.string() }),
  options: v.object({ excludeDevices: v.nullish(v.boolean()), paths: v.nullish(v.array(v.string())) }),
  entries: v.number(),
  layers: v.array(
    v.object({ layer: v.number(), digest: Text, diffId: Text, written: v.number(), hidden: v.nullish(v.number()) }),
  ),
  warnings: v.array(v.object({ code: v.string() })),
});

export type SnapshotDocument = v.InferOutput<typeof Snapshot>;

/** Whether a `snapshot.json` is one of dimgx, of whatever version. */
export function isSnapshot(bytes: Uint8Array): boolean {
  const value = tryParseJson(Buffer.from(bytes).toString());
  const [kind = ''] = SNAPSHOT_FORMAT.split('/');
  return isObject(value) && typeof value.format === 'string' && value.format.startsWith(`${kind}/`);
}

/** @returns `undefined` if it is not of the right form */
export function parseSnapshot(bytes: Uint8Array): SnapshotDocument | undefined {
  const parsed = v.safeParse(Snapshot, tryParseJson(Buffer.from(bytes).toString()), { abortEarly: true });
  return parsed.success ? parsed.output : undefined;
}

/** Whether some paths or devices were left out of a snapshot. What was left out may still be named as a shadow. */
export function isFiltered(document: SnapshotDocument | undefined): boolean {
  const { excludeDevices, paths } = document?.options ?? {};
  return Boolean(excludeDevices) || Boolean(paths);
}

/** Whether headers were left out of the tars that may have said when a file was created. */
export function mayLackCreation(document: SnapshotDocument | undefined): boolean {
  const lost: WarningCode = 'DIMGX_ENTRY_PAX_RECORD';
  return document?.warnings.some(({ code }) => code === lost) ?? true;
}
