import { DimgxError, type Warning } from '../../errors.js';
import { formatPlatform, isSameMachine } from '../../image/platform.js';
import * as dockerArchive from '../form/docker-archive.js';
import type { Documents } from '../form/documents.js';
import type { Form, FormRequest, FoundImage } from '../form/form.js';
import * as ociLayout from '../form/oci-layout.js';

/**
 * The first form that fits the files.
 *
 * @throws DIMGX_SOURCE_NOT_AN_IMAGE
 */
export async function recognise(forms: readonly Form[], documents: Documents): Promise<Form> {
  for (const form of forms) if (await form.recognises(documents)) return form;
  const { notAnImage } = await import('./not-an-image.js');
  throw await notAnImage(documents, forms);
}

interface Found {
  readonly form: Form;
  readonly found: FoundImage;
}

/**
 * Finds the image. If a platform was asked for, the result is for that platform, or it is an error.
 *
 * @throws DIMGX_SOURCE_NO_PLATFORM; what `Form.find` throws
 */
export async function findForPlatform(form: Form, request: FormRequest): Promise<Found> {
  const isHybrid = form === dockerArchive && (await ociLayout.recognises(request.documents));
  const { found, ...rest } = await (isHybrid ? findInHybrid(request) : findIn(form, request));
  const { wanted } = request;
  const { platform } = found.config;
  if (wanted && platform && !found.isForPlatform && !isSameMachine(wanted, platform)) {
    const { location } = request.documents.files;
    throw new DimgxError(
      'DIMGX_SOURCE_NO_PLATFORM',
      `${location} has no image for ${formatPlatform(wanted)}: it is for ${formatPlatform(platform)}`,
      { choices: [{ names: found.tags, kind: 'image', platform }] },
    );
  }
  return { found, ...rest };
}

async function findIn(form: Form, request: FormRequest): Promise<Found> {
  return { form, found: await form.find(request) };
}

/**
 * Docker's `manifest.json` names only one platform, whether its blobs are there or not. Others are in the OCI layout
 * around it.
 */
async function findInHybrid(request: FormRequest): Promise<Found> {
  const { wanted } = request;
  const first = await findIn(dockerArchive, request).catch((failure: unknown) => failure);
  if (!isFound(first)) {
    const isElsewhere = first instanceof DimgxError && ELSEWHERE.includes(first.code);
    if (!isElsewhere) throw first;
    return findIn(ociLayout, request).catch(() => Promise.reject(first));
  }
  const { isForPlatform, config } = first.found;
  const isRight = !wanted || !config.platform || isForPlatform || isSameMachine(wanted, config.platform);
  if (isRight && (wanted || (await isWhole(first.found, request)))) return first;
  const warnings: Warning[] = [];
  const warnOnly = (warning: Warning) => warnings.push(warning);
  const second = await findIn(ociLayout, { ...request, warnOnly }).catch((failure: unknown) => {
    if (wanted) throw failure;
    return undefined;
  });
  if (!second || (isRight && !(await isWhole(second.found, request)))) return first;
  for (const warning of warnings) request.warnOnly(warning);
  return second;
}

/** Failures after which the layout around a `manifest.json` is tried. */
const ELSEWHERE: readonly string[] = [
  'DIMGX_SOURCE_MISSING_BLOB',
  'DIMGX_SOURCE_NO_PLATFORM',
  'DIMGX_SOURCE_NO_SUCH_IMAGE',
  'DIMGX_SOURCE_NOT_AN_IMAGE',
];

function isFound(outcome: unknown): outcome is Found {
  return typeof outcome === 'object' && outcome !== null && 'found' in outcome;
}

async function isWhole({ layers }: FoundImage, { documents }: FormRequest): Promise<boolean> {
  for (const { file } of layers) if ((await documents.lengthOf(file)) === undefined) return false;
  return true;
}
