import { printable } from '../../base/text/printable.js';
import { type BagFinding, finding } from '../bag/finding.js';
import { PAYLOAD } from '../bag/manifest-path.js';
import type { ProvenanceImage } from '../records/provenance.js';
import { SNAPSHOT, SNAPSHOT_RECORDS } from '../snapshot-paths.js';
import type { SnapshotDocument } from './snapshot-document.js';

/** How many entries a tar has. */
export interface TarCounts {
  /** By the number of their layer; 0 stands for layers that provenance does not list. */
  readonly ofLayers: ReadonlyMap<number, number>;
  /** Number of entries that provenance calls implied. */
  readonly implied: number;
}

/** What was found out about a snapshot when its tars and records were read; `undefined` where they could not be. */
export interface SnapshotContents {
  /** What the first line of provenance says. */
  readonly image: ProvenanceImage | undefined;
  readonly treeDigest: string | undefined;
  readonly flat: TarCounts | undefined;
  readonly hidden: TarCounts | undefined;
}

/** What `snapshot.json` says of something, and what was found. */
type Claim = readonly [what: string, told: unknown, source: string, found: unknown];

/** Compares `snapshot.json` with the rest. What could not be read is not compared. */
export function snapshotFinding(document: SnapshotDocument | undefined, contents: SnapshotContents): BagFinding {
  if (!document) return finding(SNAPSHOT, 'contradicted', 'does not describe a snapshot');
  const wrong = claimsOf(document, contents).find(([, told, , found]) => told !== found);
  if (!wrong) return finding(SNAPSHOT, undefined, 'is as the rest of the snapshot says');
  const [what, told, source, found] = wrong;
  return finding(SNAPSHOT, 'contradicted', `has ${shown(told)} for ${what}, but ${source} has ${shown(found)}`);
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : printable(String(value), 100);
}

function claimsOf(document: SnapshotDocument, { image, treeDigest, flat, hidden }: SnapshotContents): readonly Claim[] {
  return [
    ...(image ? claimsOfImage(document, image) : []),
    ...(treeDigest === undefined ? [] : [['the digest of the tree', document.treeDigest, FLAT, treeDigest] as const]),
    ...(flat ? claimsOfFlat(document, flat) : []),
    ...(hidden ? claimsOfHidden(document, hidden) : []),
  ];
}

const RECORD = `${PAYLOAD}/${SNAPSHOT_RECORDS.provenance}`;
const [FLAT, HIDDEN] = ['the flat tar', 'the tar of hidden versions'];

function claimsOfImage(document: SnapshotDocument, image: ProvenanceImage): readonly Claim[] {
  const { imageId, manifestDigest, tags, platform, layers } = document;
  return [
    ['the ID of the image', imageId, RECORD, image.id],
    ['the digest of the manifest', manifestDigest ?? undefined, RECORD, image.manifestDigest],
    ['the tags', JSON.stringify(tags), RECORD, JSON.stringify(image.tags)],
    ['the platform', JSON.stringify(platform), RECORD, JSON.stringify(image.platform)],
    ...layers.flatMap(({ layer, digest, diffId }): readonly Claim[] => {
      const told = image.layers[layer - 1];
      return [
        [`the digest of layer @${layer}`, digest ?? undefined, RECORD, told?.digest],
        [`the diff ID of layer @${layer}`, diffId ?? undefined, RECORD, told?.diffId],
      ];
    }),
  ];
}

function claimsOfFlat({ entries, layers }: SnapshotDocument, flat: TarCounts): readonly Claim[] {
  const written = layers.reduce((sum, layer) => sum + layer.written, 0);
  return [
    ['the number of entries', entries, FLAT, sumOf(flat)],
    ['the number of entries that layers wrote', written, `${FLAT} with ${RECORD}`, sumOf(flat) - flat.implied],
  ];
}

function claimsOfHidden({ layers }: SnapshotDocument, hidden: TarCounts): readonly Claim[] {
  const sum = layers.reduce((total, { hidden: told }) => total + (told ?? 0), 0);
  return [
    ...layers.map(({ layer, hidden: told }): Claim => {
      const what = `the number of hidden versions in layer @${layer}`;
      return [what, told ?? 0, HIDDEN, hidden.ofLayers.get(layer) ?? 0];
    }),
    ['the number of hidden versions', sum, HIDDEN, sumOf(hidden)],
  ];
}

function sumOf({ ofLayers }: TarCounts): number {
  return [...ofLayers.values()].reduce((sum, count) => sum + count, 0);
}
