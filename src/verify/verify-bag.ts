import { limitsOf } from '../base/limits.js';
import { documentFindings } from '../evidence/agreement/document-findings.js';
import { type BaggedTar, SnapshotAgreement } from '../evidence/agreement/snapshot-agreement.js';
import { isSnapshot, parseSnapshot } from '../evidence/agreement/snapshot-document.js';
import { snapshotFinding } from '../evidence/agreement/snapshot-finding.js';
import { Bag } from '../evidence/bag/bag.js';
import { BagCheck } from '../evidence/bag/bag-check.js';
import { damagedBag } from '../evidence/bag/bag-error.js';
import { type BagFinding, finding } from '../evidence/bag/finding.js';
import { PAYLOAD } from '../evidence/bag/manifest-path.js';
import { SNAPSHOT, SNAPSHOT_DOCUMENTS, SNAPSHOT_RECORDS } from '../evidence/snapshot-paths.js';
import type { EntryWatcher } from '../extract/watch/hashed-entries.js';
import { TreeDigest } from '../extract/watch/tree-digest.js';
import type { ImageDocuments } from '../image/image.js';
import type { CommonOptions, LimitOptions } from '../options.js';
import type { Digest } from '../reference/digest.js';
import { readBagTar } from './read-bag-tar.js';
import type { VerifyResult } from './verify-result.js';

type VerifyBagOptions = CommonOptions & { readonly limits?: LimitOptions | undefined };

/**
 * Checks a bag: each file against the manifests, and of a snapshot then whether its records agree with its tars.
 *
 * @throws DIMGX_BAG_DAMAGED at the end if anything is not in order; as `Bag.open`, `BagCheck.findings` and
 *   `SnapshotAgreement.findings`
 */
export async function* verifyBag(path: string, options: VerifyBagOptions): AsyncGenerator<VerifyResult, void, void> {
  const bag = Bag.open(path);
  let problems = 0;
  const resultOf = (claim: VerifyResult['claim'], found: BagFinding): VerifyResult => {
    const isSound = found.problem === undefined;
    if (!isSound) problems++;
    return { subject: found.path, claim, ok: isSound, ...(!isSound && { problem: found.message }) };
  };
  try {
    const check = new BagCheck(bag, options);
    for await (const found of check.findings()) yield resultOf('file', found);
    const isListed = (file: string) => check.payload.some(({ files }) => files.find(file) >= 0);
    const document = bag.readSmallIfSound(SNAPSHOT);
    if (isListed(`${PAYLOAD}/${SNAPSHOT_RECORDS.provenance}`) || (document && isSnapshot(document))) {
      for await (const found of snapshotFindings(bag, document, isListed, options)) yield resultOf('record', found);
    }
  } finally {
    bag.close();
  }
  if (problems > 0) throw damagedBag(path, problems);
}

/** @param bytes those of `snapshot.json`, if it can be read */
async function* snapshotFindings(
  bag: Bag,
  bytes: Uint8Array | undefined,
  isListed: (path: string) => boolean,
  options: VerifyBagOptions,
): AsyncGenerator<BagFinding, void, void> {
  const document = bytes && parseSnapshot(bytes);
  const tree = new TreeOfBag(options);
  const agreement = new SnapshotAgreement(bag, isListed, (tar, watcher) => tree.read(tar, watcher), document);
  yield* agreement.findings();
  const { contents } = agreement;
  const { image } = contents;
  const names = document ?? { imageId: image?.id ?? '', manifestDigest: image?.manifestDigest };
  yield* documentFindings(documentsOf(bag, isListed), names, image);
  if (bag.has(SNAPSHOT)) yield snapshotFinding(document, { ...contents, treeDigest: tree.digest });
  else yield finding(SNAPSHOT, 'missing', 'is missing: a snapshot has it');
}

/** Reads the tars of a snapshot, and computes the digest of its tree. */
class TreeOfBag {
  /** `undefined` if the flat tar has not been read to its end. */
  digest: Digest | undefined;
  readonly #options: VerifyBagOptions;

  constructor(options: VerifyBagOptions) {
    this.#options = options;
  }

  /** @throws as `readBagTar` */
  async read(tar: BaggedTar, watcher: EntryWatcher): Promise<void> {
    const { signal, limits, onProgress } = this.#options;
    const total = tar.file.stats.size;
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      onProgress?.({ stage: 'verify', item: tar.path, done, total });
    };
    const digest = new TreeDigest((found) => {
      this.digest = found;
    });
    const watchers = tar.isHidden ? [watcher] : [watcher, digest];
    await readBagTar(tar, watchers, { signal, limits: limitsOf(limits), onBytes });
  }
}

/** The documents that are listed. */
function documentsOf(bag: Bag, isListed: (path: string) => boolean): ImageDocuments {
  const found = Object.entries(SNAPSHOT_DOCUMENTS).map(([name, path]) => {
    const inBag = `${PAYLOAD}/${path}`;
    return [name, isListed(inBag) ? bag.readSmallIfSound(inBag) : undefined] as const;
  });
  return Object.fromEntries(found);
}
