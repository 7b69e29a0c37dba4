import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { type DocumentClaim, documentClaims } from '../image/document-claims.js';
import { type OpenedImage, openedImage } from '../image/image.js';
import { selectLayers } from '../image/select-layers.js';
import { type MeasuredLayer, measureLayers } from '../inspect/measure-layers.js';
import type { InspectOptions, OpenOptions, SelectOptions } from '../options.js';
import { openImage } from '../source/resolve.js';
import type { VerifyResult } from './verify-result.js';

type VerifyImageOptions = Omit<OpenOptions, 'verify'> & SelectOptions & Omit<InspectOptions, 'verify'>;

/**
 * Checks an image: its manifest and its config against what names them, and the digests and the size of each layer.
 *
 * @throws DIMGX_IMAGE_DAMAGED at the end if anything is not in order; as `openImage`, `selectLayers` and
 *   `measureLayers`
 */
export async function* verifyImage(
  reference: string,
  options: VerifyImageOptions,
): AsyncGenerator<VerifyResult, void, void> {
  const image = openedImage(await openImage(reference, { ...options, verify: false }));
  let problems = 0;
  try {
    for await (const result of resultsOf(image, options)) {
      if (!result.ok) problems++;
      yield result;
    }
  } finally {
    await image.close();
  }
  if (problems === 0) return;
  const what = problems === 1 ? '1 problem' : `${problems} problems`;
  throw new DimgxError('DIMGX_IMAGE_DAMAGED', `the image ${quoted(reference)} has ${what}: get another copy of it`);
}

/** An engine tells the documents only once its layers have been fetched. */
async function* resultsOf(image: OpenedImage, options: VerifyImageOptions): AsyncGenerator<VerifyResult, void, void> {
  const position = (layer: OpenedImage['layers'][number]) => image.layers.indexOf(layer);
  const selected = selectLayers(image, options, options.onWarning).toSorted((a, b) => position(a) - position(b));
  const measured = await measureLayers(image, selected, options);
  yield* documentClaims(image, image.documents?.() ?? {}).map(ofDocument);
  for (const [i, layer] of measured.entries()) {
    const number = position(selected[i] as OpenedImage['layers'][number]) + 1;
    yield* ofLayer(`layer @${number}`, await layer);
  }
}

function ofDocument({ document, claim, told, found }: DocumentClaim): VerifyResult {
  return resultOf(document, claim, told, told === found ? undefined : `has the ${claim} ${found}, not ${told}`);
}

const NAMES = { digest: 'digest', size: 'size', diffId: 'diff ID' } as const;

/** A result for each thing that is claimed of a layer; one that cannot be read is not in order in any case. */
function ofLayer(subject: string, { layer, failure, ...found }: MeasuredLayer): readonly VerifyResult[] {
  const claims = [
    ['digest', layer.digest, found.digest],
    ['size', layer.claimedSize, found.size],
    ['diffId', layer.diffId, found.diffId],
  ] as const;
  const results = claims.flatMap(([claim, told, is]) => {
    if (told === undefined) return [];
    if (is !== undefined)
      return resultOf(
        subject,
        claim,
        String(told),
        is === told ? undefined : `has the ${NAMES[claim]} ${is}, not ${told}`,
      );
    return resultOf(subject, claim, String(told), `cannot be checked for its ${NAMES[claim]}: ${failure?.message}`);
  });
  const isTold = failure === undefined || results.some(({ ok }) => !ok);
  return isTold
    ? results
    : [...results, { subject, claim: 'digest', ok: false, problem: `cannot be read: ${failure.message}` }];
}

function resultOf(
  subject: string,
  claim: VerifyResult['claim'],
  value: string,
  problem: string | undefined,
): VerifyResult {
  return { subject, claim, value, ok: problem === undefined, ...(problem !== undefined && { problem }) };
}
