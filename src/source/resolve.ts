import { Call } from '../base/call/call.js';
import { isTooManyFiles, tooManyFiles } from '../base/io/open-file-limit.js';
import { Resources } from '../base/io/resources.js';
import { limitsOf } from '../base/limits.js';
import { printable, quoted } from '../base/text/printable.js';
import { checkOptions, checkTmpDir, requireThat } from '../check-options.js';
import { abortedBy, DimgxError, inputWarner, isSystemError, type Warning } from '../errors.js';
import type { Image, OpenContext } from '../image/image.js';
import { parsePlatform } from '../image/platform.js';
import type { OpenOptions } from '../options.js';
import { parseReference } from '../reference/reference.js';
import type { ForeignLayer } from '../registry/foreign-layers.js';
import type { FetchedBlob } from './docker-registry.js';
import { checkBlobFolders, FilesWithBlobs } from './files/files-with-blobs.js';
import { findForPlatform, recognise } from './files/find-in-files.js';
import { assembleImage, warnOfOddities } from './form/assemble-image.js';
import { Documents } from './form/documents.js';
import { locate } from './locate.js';

/**
 * Opens an image for reading. Its documents are read and checked at once; its layers are not read yet.
 *
 * @param reference `transport:name[:tag][@digest]`, `-` for standard input, or a path
 * @returns the image; the caller closes it, or declares it with `await using`
 * @throws DIMGX_CLI_USAGE, DIMGX_CALLBACK_FAILED, DIMGX_REFERENCE_INVALID, DIMGX_SOURCE_*, DIMGX_IMAGE_*, DIMGX_TAR_*,
 *   DIMGX_COMPRESSION_*, DIMGX_ABORTED; on failure nothing is left open
 */
export async function openImage(reference: string, options: OpenOptions = {}): Promise<Image> {
  requireThat(typeof reference === 'string', 'the reference', 'a string', reference);
  checkOptions(options);
  const resources = new Resources();
  const call = new Call(options);
  resources.adopt(call.end);
  const heard = { ...options, ...call.options };
  const work = async () => {
    await checkTmpDir(options.tmpDir);
    await checkBlobFolders(options.blobs ?? []);
    const image = await open(reference, heard, resources);
    await call.settle();
    return image;
  };
  try {
    return await call.run(work);
  } catch (failure) {
    // The caller gets the first error, not one from closing.
    await resources.close().catch(() => {});
    throw withCode(failure, reference, heard.signal);
  }
}

async function open(text: string, options: OpenOptions, resources: Resources): Promise<Image> {
  const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const verify = options.verify ?? true;
  const context = contextOf(options, resources);
  const tell = (warning: Warning) => options.onWarning?.(warning);
  const place = await locate(parseReference(text), context, tell);
  if ('name' in place) {
    if (options.image !== undefined) throw twoImages(place.name, options.image);
    const fromRegistry = async () => {
      const { openRegistryImage } = await import('./docker-registry.js');
      return openRegistryImage({ reference: text, name: place.name, platform: wanted, options }, context);
    };
    if (place.in === 'registry') return fromRegistry();
    const { openDaemonImage } = await import('./docker-daemon.js');
    const opening = openDaemonImage({ reference: text, name: place.name, platform: wanted, verify, options }, context);
    const { path } = place;
    if (path === undefined) return opening;
    return opening.catch((failure) => {
      if (mayGoToRegistry(failure, options)) return fromRegistry();
      return notFound(path, failure);
    });
  }
  const { selector, sources } = place;
  const { signal, blobs: folders = [] } = options;
  const files = new FilesWithBlobs(place.files, { folders, verify, signal });
  if (selector !== undefined && options.image !== undefined && selector !== options.image) {
    throw twoImages(selector, options.image);
  }
  const documents = new Documents(files);
  const request = { documents, selector: selector ?? options.image, wanted, verify, warn: inputWarner(options), tell };
  const { source, found } = await findForPlatform(await recognise(sources, documents), request);
  warnOfOddities(found, request.warn);
  const transport = source.transport === 'oci' && files.isArchive ? 'oci-archive' : source.transport;
  const fetched = new Map<string, FetchedBlob>();
  const fetchForeign = async (layers: readonly ForeignLayer[]) => {
    const { fetchForeignLayers } = await import('./fetch-foreign-layers.js');
    const warn = (warning: Warning) => options.onWarning?.(warning);
    return fetchForeignLayers(layers, { options, location: files.location, warn, fetched }, context);
  };
  const opening = { reference: text, transport, files, resources, verify };
  return assembleImage(found, { ...opening, ...(options.allowForeignLayers && { fetchForeign }) });
}

/** If there is no engine to pull an image, it is read from its registry instead, unless the user named an engine. */
function mayGoToRegistry(failure: unknown, { pull = 'never', host }: OpenOptions): boolean {
  const hasNoEngine = failure instanceof DimgxError && failure.code === 'DIMGX_SOURCE_NO_ENGINE';
  return hasNoEngine && pull !== 'never' && host === undefined;
}

/** For a bare name, the error also says what is at that path. */
function notFound(path: string, failure: unknown): never {
  const isAbsent =
    failure instanceof DimgxError && ['DIMGX_SOURCE_NO_ENGINE', 'DIMGX_SOURCE_NO_SUCH_IMAGE'].includes(failure.code);
  if (!isAbsent) throw failure;
  throw failure.retold(`${path}; ${failure.message}`);
}

function twoImages(one: string, other: string): DimgxError {
  const choices = `${quoted(one)} and ${quoted(other)}`;
  return new DimgxError('DIMGX_REFERENCE_INVALID', `two images are chosen, ${choices}: leave one of them out`);
}

function contextOf(options: OpenOptions, resources: Resources): OpenContext {
  const { tmpDir, signal, onProgress, limits } = options;
  return { resources, tmpDir, signal, onProgress, limits: limitsOf(limits) };
}

/** An error without a code came from the operating system, or from the abort signal. */
export function withCode(failure: unknown, reference: string, signal: AbortSignal): unknown {
  if (signal.aborted) return abortedBy(signal);
  if (isTooManyFiles(failure)) return tooManyFiles(failure);
  if (!isSystemError(failure)) return failure;
  const reason = `${printable(reference, 200)} cannot be read: ${printable(failure.message, 200)}`;
  return new DimgxError('DIMGX_SOURCE_UNREADABLE', reason, { cause: failure });
}
