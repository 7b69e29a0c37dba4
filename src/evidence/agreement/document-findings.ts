import { isObject, tryParseJson } from '../../base/text/go-json.js';
import { printable } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import { type ParsedConfig, parseConfig } from '../../image/config.js';
import { type DocumentClaim, documentClaims, layersInManifest } from '../../image/document-claims.js';
import { historyOfLayers } from '../../image/history.js';
import type { ImageDocuments } from '../../image/image.js';
import { type BagFinding, finding } from '../bag/finding.js';
import { PAYLOAD } from '../bag/manifest-path.js';
import type { ProvenanceImage } from '../records/provenance.js';
import { SNAPSHOT_DOCUMENTS, SNAPSHOT_RECORDS } from '../snapshot-paths.js';
import type { SnapshotDocument } from './snapshot-document.js';

/** What names the image of a snapshot. The source is not known if `snapshot.json` cannot be read. */
type ImageNames = Pick<SnapshotDocument, 'imageId' | 'manifestDigest'> & Partial<Pick<SnapshotDocument, 'source'>>;

/** What the documents are compared with. */
const RECORD = `${PAYLOAD}/${SNAPSHOT_RECORDS.provenance}`;

/**
 * Compares the manifest and the config in a snapshot with what names them, and with what provenance says of the image.
 *
 * @param image what the first line of provenance says; `undefined` if it cannot be read
 */
export function documentFindings(
  documents: ImageDocuments,
  { imageId, manifestDigest, source }: ImageNames,
  image: ProvenanceImage | undefined,
): readonly BagFinding[] {
  const layers = image?.layers ?? [];
  const named = { id: imageId, manifestDigest: manifestDigest ?? undefined, source, layers };
  const claims = documentClaims(named, documents);
  const { manifest, config } = documents;
  // An engine tells times and commands in words of its own.
  const isExact = source !== undefined && source.transport !== 'docker-daemon';
  const flaws = {
    manifest: image && manifest && manifestFlaw(manifest, image),
    config: image && config && configFlaw(config, image, isExact),
  };
  return (['manifest', 'config'] as const).flatMap((name) => {
    if (!documents[name]) return [];
    const path = `${PAYLOAD}/${SNAPSHOT_DOCUMENTS[name]}`;
    const wrong = claims.filter(({ document, told, found }) => document === name && told !== found);
    const problem = wrong.map(claimFlaw)[0] ?? flaws[name];
    if (problem !== undefined) return finding(path, 'contradicted', problem);
    return finding(path, undefined, 'is as the rest of the snapshot says');
  });
}

function claimFlaw({ claim, told, found }: DocumentClaim): string {
  return `has the ${claim} ${found}, but should have ${printable(told, 200)}`;
}

function manifestFlaw(manifest: Uint8Array, { layers }: ProvenanceImage): string | undefined {
  const at = (layersInManifest(manifest) ?? []).findIndex(({ digest, size }, i) => {
    const told = layers[i];
    return digest !== told?.digest || (told?.size !== undefined && typeof size === 'number' && size !== told.size);
  });
  return at < 0 ? undefined : `says something else of layer @${at + 1} than ${RECORD}`;
}

/** A container has more layers than its image, and an image of 2015 has none in its config: these have no diff IDs. */
function configFlaw(bytes: Uint8Array, image: ProvenanceImage, isExact: boolean): string | undefined {
  if (!isObject(tryParseJson(new TextDecoder().decode(bytes)))) return 'is not a config';
  let parsed: ParsedConfig;
  try {
    parsed = parseConfig(bytes, SNAPSHOT_DOCUMENTS.config);
  } catch (failure) {
    if (failure instanceof DimgxError) return `is not a config: ${failure.message}`;
    throw failure;
  }
  const { diffIds, history, config } = parsed;
  const steps = historyOfLayers(diffIds.length, history);
  const at = image.layers.findIndex(({ diffId, created, createdBy }, i) => {
    const step = steps[i];
    const isSameStep = !step || !isExact || (created === step.created && createdBy === step.createdBy);
    return diffId !== diffIds[i] || !isSameStep;
  });
  if (at >= 0) return `says something else of layer @${at + 1} than ${RECORD}`;
  if (diffIds.length > image.layers.length) return `has more layers than ${RECORD}`;
  const isSame = config.created === image.created || !isExact;
  return isSame ? undefined : `says that the image was created at another time than ${RECORD}`;
}
