import { inputWarner, type Warning } from '../errors.js';
import type { Image, ListedImage, OpenContext } from '../image/image.js';
import type { OpenOptions } from '../options.js';
import type { ForeignLayer } from '../registry/foreign-layers.js';
import type { FetchedBlob } from './docker-registry.js';
import type { Files } from './files/files.js';
import { FilesWithBlobs } from './files/files-with-blobs.js';
import { findForPlatform, recognise } from './files/find-in-files.js';
import { openPath } from './files/open-files.js';
import { assembleImage, warnOfOddities } from './form/assemble-image.js';
import * as dockerArchive from './form/docker-archive.js';
import { Documents } from './form/documents.js';
import type { Form } from './form/form.js';
import { FILE_USAGES, formsOf, transportOf } from './form/forms.js';
import * as ociLayout from './form/oci-layout.js';
import { type Listed, type OpenRequest, type Place, type Source, twoImages } from './source.js';

/** Archives, layouts and other files, in every form that `forms.ts` lists. */
export const fileSource = {
  usages: FILE_USAGES,
  async locate({ transport, operand, selector }, context) {
    return filePlace(await openPath(operand, context), { selector, forms: formsOf(transport) }, context);
  },
} satisfies Source;

/** What is looked for among files. */
interface Wanted {
  readonly selector?: string | undefined;
  /** The forms that the files may have. */
  readonly forms: readonly Form[];
}

/** The place of an image among open files. */
export function filePlace(files: Files, wanted: Wanted, context: OpenContext): Place {
  return {
    open: (request) => openAmong(files, wanted, request, context),
    list: (options) => listAmong(files, wanted, options),
  };
}

async function openAmong(
  bare: Files,
  { selector, forms }: Wanted,
  { reference, platform, options }: OpenRequest,
  context: OpenContext,
): Promise<Image> {
  const { resources } = context;
  const { verify = true } = options;
  const files = withFolders(bare, options);
  if (selector !== undefined && options.image !== undefined && selector !== options.image) {
    throw twoImages(selector, options.image);
  }
  const documents = new Documents(files);
  const warnOnly = (warning: Warning) => options.onWarning?.(warning);
  const warn = inputWarner(options);
  const request = { documents, selector: selector ?? options.image, wanted: platform, verify, warn, warnOnly };
  const { form, found } = await findForPlatform(await recognise(forms, documents), request);
  warnOfOddities(found, warn);
  const fetched = new Map<string, FetchedBlob>();
  const fetchForeign = async (layers: readonly ForeignLayer[]) => {
    const { fetchForeignLayers } = await import('./fetch-foreign-layers.js');
    return fetchForeignLayers(layers, { options, location: files.location, warn: warnOnly, fetched }, context);
  };
  const opening = { reference, transport: transportOf(form, files), files, resources, verify };
  return assembleImage(found, { ...opening, ...(options.allowForeignLayers && { fetchForeign }) });
}

async function listAmong(bare: Files, { forms }: Wanted, options: OpenOptions): Promise<Listed> {
  const { verify = true } = options;
  const files = withFolders(bare, options);
  const documents = new Documents(files);
  const form = await recognise(forms, documents);
  const images = await form.list(documents, verify);
  const isHybrid = form === dockerArchive && (await ociLayout.recognises(documents));
  const others = isHybrid ? await othersAround(images, documents, verify) : [];
  return { source: { transport: transportOf(form, files), location: files.location }, images: [...images, ...others] };
}

/** The files, and the blobs in the folders that the caller named. */
function withFolders(bare: Files, { signal, blobs: folders = [], verify = true }: OpenOptions): FilesWithBlobs {
  return new FilesWithBlobs(bare, { folders, verify, signal });
}

/** What the layout around a `manifest.json` has in addition: images for other platforms, attestations, indexes. */
async function othersAround(
  images: readonly ListedImage[],
  documents: Documents,
  verify: boolean,
): Promise<readonly ListedImage[]> {
  const known = new Set(images.map(({ id }) => id));
  const around = await ociLayout.list(documents, verify);
  return around.flatMap(({ number: _, ...image }) => (image.id !== undefined && known.has(image.id) ? [] : [image]));
}
