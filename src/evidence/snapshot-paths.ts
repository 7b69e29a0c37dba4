import type { RecordName } from './records/record-writer.js';

/** What describes a snapshot as a whole, at the top of its bag. */
export const SNAPSHOT = 'snapshot.json';

/** What it says of its own form. */
export const SNAPSHOT_FORMAT = 'dimgx-snapshot/1';

/** The tars of a snapshot below `data/`, without the extension of their compression. */
export const SNAPSHOT_TARS = { flat: 'rootfs.tar', hidden: 'hidden.tar' } as const;

/** The records of a snapshot, below `data/`. */
export const SNAPSHOT_RECORDS = {
  provenance: 'provenance.jsonl',
  sha256sums: 'sha256sums',
  mtree: 'rootfs.mtree',
  bodyfile: 'rootfs.body',
} as const satisfies Readonly<Record<RecordName, string>>;

/** The documents of the image that its source has, below `data/`. */
export const SNAPSHOT_DOCUMENTS = {
  manifest: 'image/manifest.json',
  index: 'image/index.json',
  config: 'image/config.json',
} as const;
