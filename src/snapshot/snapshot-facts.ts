import { dimgxVersion } from '../base/text/version.js';
import type { Warning } from '../errors.js';
import type { ExaminationOptions } from '../evidence/bag/tag-files.js';
import { SNAPSHOT_FORMAT } from '../evidence/snapshot-paths.js';
import type { LeftOutFile } from '../flatten.js';
import { type Image, openedImage } from '../image/image.js';
import type { Platform } from '../image/platform.js';
import type { Digest } from '../reference/digest.js';
import type { LayerCount } from '../write-image.js';

export type { ExaminationOptions } from '../evidence/bag/tag-files.js';

/** What `snapshot.json` says: what was done, with what, and what came of it. */
export interface SnapshotFacts extends ExaminationOptions {
  readonly format: 'dimgx-snapshot/1';
  /** Versions of dimgx and of Node. */
  readonly dimgx: string;
  readonly node: string;
  /** When the work began and ended: ISO 8601, UTC. */
  readonly started: string;
  readonly ended: string;
  /** As the caller named the image. */
  readonly reference: string;
  readonly source: Image['source'];
  readonly imageId: string;
  readonly manifestDigest?: Digest;
  readonly tags: readonly string[];
  readonly platform?: Platform;
  /** Digest of the tree; see docs/tree-digest.md. */
  readonly treeDigest: string;
  /** Whether digests, sizes and diff IDs were compared. */
  readonly verified: boolean;
  /** The options that decide what is in the bag, as far as they were given. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Entries of the flat tar. */
  readonly entries: number;
  /** In selection order: earlier layers win. */
  readonly layers: readonly LayerCount[];
  readonly leftOut?: readonly LeftOutFile[];
  readonly warnings: readonly Warning[];
}

/** The options that decide what is in a bag. None of them is a secret. */
const DECIDING = [
  ...['layers', 'reverse', 'strict', 'paths', 'excludeDevices', 'platform', 'image', 'uidMap', 'gidMap'],
  ...['keepGoing', 'compression', 'level', 'strictInput', 'limits'],
] as const;

const EXAMINATION = ['caseNumber', 'evidenceNumber', 'description', 'examiner', 'notes'] as const;

/** What came of the work, apart from what the image itself says. */
type Outcome = Pick<SnapshotFacts, 'treeDigest' | 'entries' | 'layers' | 'warnings'> & { readonly started: Date };

/** @param options those of `snapshot` */
export function snapshotFacts(
  image: Image,
  { started, ...outcome }: Outcome,
  options: ExaminationOptions & { readonly verify?: boolean | undefined },
): SnapshotFacts {
  const { id: imageId, manifestDigest, source, tags, platform, reference } = image;
  const { leftOut } = openedImage(image);
  return {
    format: SNAPSHOT_FORMAT,
    dimgx: dimgxVersion(),
    node: process.version,
    started: started.toISOString(),
    ended: new Date().toISOString(),
    ...given(options, EXAMINATION),
    reference,
    source,
    imageId,
    ...(manifestDigest && { manifestDigest }),
    tags,
    ...(platform && { platform }),
    verified: options.verify ?? true,
    options: given(options, DECIDING),
    ...outcome,
    ...(leftOut && { leftOut: leftOut.map(({ layer = '', path = '', message }) => ({ layer, path, message })) }),
  };
}

/** Those of some options that have a value. */
function given<Name extends string>(options: object, names: readonly Name[]): { readonly [K in Name]?: never } {
  const values = options as Readonly<Record<string, unknown>>;
  const found = names.filter((name) => values[name] !== undefined).map((name) => [name, values[name]] as const);
  return Object.fromEntries(found) as { readonly [K in Name]?: never };
}
