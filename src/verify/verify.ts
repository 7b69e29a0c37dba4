import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Call } from '../base/call/call.js';
import { checkOptions, requireThat } from '../check-options.js';
import { DECLARATION } from '../evidence/bag/declaration.js';
import type { InspectOptions, OpenOptions, SelectOptions } from '../options.js';
import { verifyBag } from './verify-bag.js';
import { verifyImage } from './verify-image.js';
import type { VerifyResult } from './verify-result.js';

/** For a bag, all but `limits`, `signal`, `strictInput` and the callbacks mean nothing. */
export interface VerifyOptions extends Omit<OpenOptions, 'verify'>, SelectOptions, Omit<InspectOptions, 'verify'> {}

/**
 * Checks a snapshot or another BagIt bag, or an image. There is a result for each thing that can be checked, and one that
 * is not in order does not keep the others from being checked.
 *
 * - A bag: each file against the manifests. Of a snapshot then each tar and record: whether the records say what is in
 *   the tars, and whether `snapshot.json` and the documents of the image fit.
 * - An image: its manifest and config, and the digest, size and diff ID of each layer, as far as its source names them.
 *
 * @param target a directory that has a `bagit.txt`, or a reference as for `openImage`
 * @throws DIMGX_BAG_DAMAGED or DIMGX_IMAGE_DAMAGED after the last result, if anything is not in order; DIMGX_BAG_INVALID,
 *   DIMGX_OPTION_INVALID, DIMGX_LIMIT_*, DIMGX_ABORTED; as `openImage` and `selectLayers`
 */
export async function* verify(target: string, options: VerifyOptions = {}): AsyncGenerator<VerifyResult, void, void> {
  requireThat(typeof target === 'string', 'the target', 'a string', target);
  checkOptions(options);
  const isBag = [DECLARATION, MANIFEST].some((name) => existsSync(join(target, name)));
  const call = new Call(options);
  const stageOptions = { ...options, ...call.options };
  try {
    yield* isBag ? verifyBag(target, stageOptions) : verifyImage(target, stageOptions);
    await call.settle();
  } catch (failure) {
    await call.run(() => Promise.reject(failure));
  } finally {
    call.end();
  }
}

/** What a bag has even when somebody has removed its declaration. */
const MANIFEST = 'manifest-sha256.txt';
