import { Call } from '../base/call/call.js';
import { withResources } from '../base/io/resources.js';
import { limitsOf } from '../base/limits.js';
import { checkOptions, checkTmpDir, requireThat } from '../check-options.js';
import type { Warning } from '../errors.js';
import type { ImageList, ListedImage, OpenContext } from '../image/image.js';
import type { OpenOptions } from '../options.js';
import { parseReference } from '../reference/reference.js';
import { checkBlobFolders, FilesWithBlobs } from './files/files-with-blobs.js';
import { recognise } from './files/find-in-files.js';
import * as dockerArchive from './form/docker-archive.js';
import { Documents } from './form/documents.js';
import * as ociLayout from './form/oci-layout.js';
import { locate } from './locate.js';
import { withCode } from './resolve.js';

/** The options of `listImages`. The other options of `openImage` choose an image, or concern its layers. */
export type ListOptions = Omit<OpenOptions, 'image' | 'platform' | 'pull' | 'jobs' | 'allowForeignLayers'>;

/** Stands for all images of the engine. */
const WHOLE_ENGINE = 'docker-daemon:';

/**
 * Lists everything in an archive, a layout, a directory or an engine, or under a name in a registry: images, indexes,
 * and what is stored beside them, whether it can be read or not. Layers are not read.
 *
 * @param reference as in `openImage`; `docker-daemon:` alone stands for all images of the engine
 * @throws as `openImage`
 */
export async function listImages(reference: string, options: ListOptions = {}): Promise<ImageList> {
  requireThat(typeof reference === 'string', 'the reference', 'a string', reference);
  checkOptions(options);
  const call = new Call(options);
  const heard = { ...options, ...call.options };
  try {
    return await call.run(async () => {
      await checkTmpDir(options.tmpDir);
      await checkBlobFolders(options.blobs ?? []);
      const listed = await withResources((resources) => {
        const { tmpDir, signal, onProgress, limits } = heard;
        return list(reference, heard, { resources, tmpDir, signal, onProgress, limits: limitsOf(limits) });
      });
      await call.settle();
      return { reference, ...listed };
    });
  } catch (failure) {
    throw withCode(failure, reference, heard.signal);
  } finally {
    call.end();
  }
}

type Listed = Omit<ImageList, 'reference'>;

async function list(reference: string, options: ListOptions, context: OpenContext): Promise<Listed> {
  if (reference === WHOLE_ENGINE) return listEngine(undefined, options, context);
  const tell = (warning: Warning) => options.onWarning?.(warning);
  const place = await locate(parseReference(reference), context, tell);
  if ('name' in place) {
    if (place.in === 'engine') return listEngine(place.name, options, context);
    const { listRegistryImages } = await import('./docker-registry.js');
    return listRegistryImages(place.name, options, context);
  }
  const { sources } = place;
  const { signal, blobs: folders = [], verify = true } = options;
  const files = new FilesWithBlobs(place.files, { folders, verify, signal });
  const documents = new Documents(files);
  const source = await recognise(sources, documents);
  const images = await source.list(documents, verify);
  const transport = source.transport === 'oci' && files.isArchive ? 'oci-archive' : source.transport;
  const isHybrid = source === dockerArchive && (await ociLayout.recognises(documents));
  const others = isHybrid ? await othersAround(images, documents, verify) : [];
  return { source: { transport, location: files.location }, images: [...images, ...others] };
}

async function listEngine(name: string | undefined, options: ListOptions, context: OpenContext): Promise<Listed> {
  const { listEngineImages } = await import('./list-engine-images.js');
  return listEngineImages(name, options, context);
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
