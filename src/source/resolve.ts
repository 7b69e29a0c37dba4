import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DimgxError, type Warn } from '../errors.js';
import type { Image } from '../image/image.js';
import { DEFAULT_LIMITS } from '../image/limits.js';
import { defaultPlatform, parsePlatform } from '../image/platform.js';
import { printable, quoted } from '../image/printable.js';
import { Resources } from '../image/resources.js';
import type { OpenOptions } from '../options.js';
import { type FileTransport, type PathChoice, parseReference, type Reference } from '../reference/reference.js';
import { assembleImage } from './assemble-image.js';
import * as dir from './dir.js';
import * as dockerArchive from './docker-archive.js';
import * as dockerV1 from './docker-v1.js';
import { Documents } from './documents.js';
import type { Files } from './files.js';
import * as ociLayout from './oci-layout.js';
import type { OpenContext } from './open-context.js';
import { openPath, openStandardInput } from './open-files.js';
import type { Source } from './source.js';
import { isSystemError } from './system-error.js';

/** In this order: of a directory or archive that has several forms at once, Docker's `manifest.json` comes first. */
const SOURCES: readonly Source[] = [dir, dockerArchive, ociLayout, dockerV1];

const SOURCES_OF: Readonly<Record<FileTransport, readonly Source[]>> = {
  'docker-archive': [dockerArchive, dockerV1],
  oci: [ociLayout],
  'oci-archive': [ociLayout],
  dir: [dir],
};

/**
 * Opens an image for reading. Its documents are read and checked at once, its layers are not read yet.
 *
 * @param reference `transport:name[:tag][@digest]`, `-` for standard input, or a path
 * @returns the image; whoever asked for it closes it
 * @throws DIMGX_REFERENCE_INVALID, DIMGX_SOURCE_*, DIMGX_IMAGE_*, DIMGX_TAR_*, DIMGX_COMPRESSION_*, DIMGX_ABORTED;
 *   nothing is left open then
 */
export async function openImage(reference: string, options: OpenOptions = {}): Promise<Image> {
  const resources = new Resources();
  try {
    options.signal?.throwIfAborted();
    const image = await open(reference, options, resources);
    options.signal?.throwIfAborted();
    return image;
  } catch (failure) {
    await resources.close();
    throw withCode(failure, reference, options.signal);
  }
}

async function open(text: string, options: OpenOptions, resources: Resources): Promise<Image> {
  const platform = options.platform === undefined ? defaultPlatform() : parsePlatform(options.platform);
  const verify = options.verify ?? true;
  const context = contextOf(options, resources);
  const reference = parseReference(text);
  const { files, selector, sources } = await openFiles(reference, context);
  if (selector !== undefined && options.image !== undefined && selector !== options.image) {
    throw new DimgxError(
      'DIMGX_REFERENCE_INVALID',
      `the reference chooses ${quoted(selector)}, --image something else`,
    );
  }
  const documents = new Documents(files);
  const source = await recognise(sources, documents);
  const request = { documents, selector: selector ?? options.image, platform, verify, warn: warnerOf(options) };
  const transport = source.transport === 'oci' && files.isArchive ? 'oci-archive' : source.transport;
  return assembleImage(await source.find(request), { reference: text, transport, files, resources, verify });
}

function contextOf(options: OpenOptions, resources: Resources): OpenContext {
  const { tmpDir, signal, onProgress, limits } = options;
  return { resources, tmpDir, signal, onProgress, limits: { ...DEFAULT_LIMITS, ...limits } };
}

function warnerOf({ onWarning, strictInput }: OpenOptions): Warn {
  return (warning) => {
    if (strictInput) throw new DimgxError(warning.code, warning.message);
    onWarning?.(warning);
  };
}

interface Opened {
  readonly files: Files;
  readonly selector?: string | undefined;
  readonly sources: readonly Source[];
}

async function openFiles(reference: Reference, context: OpenContext): Promise<Opened> {
  switch (reference.transport) {
    case 'stdin':
      return { files: await openStandardInput(context), sources: SOURCES };
    case 'bare':
      if (!(await isPath(reference.text))) throw notFound(reference.text);
      return { files: await openPath(reference.text, context), sources: SOURCES };
    case 'docker':
    case 'docker-daemon':
      throw unsupported(reference.transport, reference.name);
    default: {
      const { path, selector } = await existing(reference.choices);
      return { files: await openPath(path, context), selector, sources: SOURCES_OF[reference.transport] };
    }
  }
}

/** The first choice that is there: the longest path. */
async function existing(choices: readonly [PathChoice, ...PathChoice[]]): Promise<PathChoice> {
  for (const choice of choices) if (await exists(choice.path)) return choice;
  const [{ path }] = choices;
  throw new DimgxError('DIMGX_SOURCE_NOT_FOUND', `there is no file or directory ${quoted(path)}`);
}

/** With a slash, anything that exists; without, a file, or a directory that holds an image.  */
async function isPath(text: string): Promise<boolean> {
  if (!(await exists(text))) return false;
  if (text.includes('/') || !(await stat(text)).isDirectory()) return true;
  const marks = await Promise.all(
    ['manifest.json', 'oci-layout', 'repositories'].map((mark) => exists(join(text, mark))),
  );
  return marks.includes(true);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return false;
    throw failure;
  }
}

async function recognise(sources: readonly Source[], documents: Documents): Promise<Source> {
  for (const source of sources) if (await source.recognises(documents)) return source;
  throw new DimgxError(
    'DIMGX_SOURCE_NOT_AN_IMAGE',
    `${documents.files.location} holds no image: neither manifest.json nor oci-layout nor repositories is at its top`,
  );
}

function notFound(text: string): DimgxError {
  const isPathOnly = /^\.{0,2}\//.test(text);
  const other = isPathOnly ? '' : `; for an image of Docker's run: docker save ${printable(text, 200)} | dimgx -`;
  return new DimgxError('DIMGX_SOURCE_NOT_FOUND', `there is no file or directory ${quoted(text)}${other}`);
}

function unsupported(transport: 'docker' | 'docker-daemon', name: string): DimgxError {
  const shown = printable(name, 200);
  const command =
    transport === 'docker' ? `skopeo copy docker://${shown} docker-archive:image.tar` : `docker save ${shown}`;
  return new DimgxError(
    'DIMGX_SOURCE_UNSUPPORTED',
    `this version does not read ${transport}: itself; run: ${command}${transport === 'docker' ? '' : ' | dimgx -'}`,
  );
}

/** What left a stage without a code came from the operating system, or from a signal. */
function withCode(failure: unknown, reference: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return new DimgxError('DIMGX_ABORTED', 'the work was cancelled', { cause: failure });
  if (!isSystemError(failure)) return failure;
  const reason = `${printable(reference, 200)} cannot be read: ${printable(failure.message, 200)}`;
  return new DimgxError('DIMGX_SOURCE_UNREADABLE', reason, { cause: failure });
}
