import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathData, printable, quoted } from '../base/text/printable.js';
import { DimgxError, isSystemError, type Warn } from '../errors.js';
import type { OpenContext } from '../image/image.js';
import { fullName } from '../reference/image-name.js';
import type { PathChoice, Reference } from '../reference/reference.js';
import type { Files } from './files/files.js';
import { openPath, openStandardInput } from './files/open-files.js';
import { INDEX, MARKER } from './form/manifest-digests.js';
import type { Source } from './form/source.js';
import { SOURCES, SOURCES_OF } from './form/sources.js';

/** What a reference leads to: an image in an engine, an image in a registry, or files. */
export type Place = EnginePlace | RegistryPlace | FilePlace;

interface EnginePlace {
  readonly in: 'engine';
  /** Name of the image in the engine. */
  readonly name: string;
  /** Set for a bare name, which could have been a path: what to say about the path if the engine has no such image. */
  readonly path?: string;
}

interface RegistryPlace {
  readonly in: 'registry';
  /** Name of the image, as docker reads names. */
  readonly name: string;
}

/** Files, and the forms that an image among them may have. */
export interface FilePlace {
  readonly files: Files;
  readonly selector?: string | undefined;
  readonly sources: readonly Source[];
}

/**
 * Finds what a reference names. If that is files, opens them.
 *
 * @param warn receives DIMGX_SOURCE_NOT_TAKEN when a bare name could mean two things
 * @throws DIMGX_SOURCE_NOT_FOUND, and as `openPath` and `openStandardInput`
 */
export async function locate(reference: Reference, context: OpenContext, warn: Warn): Promise<Place> {
  switch (reference.transport) {
    case 'stdin':
      return { files: await openStandardInput(context), sources: SOURCES };
    case 'bare':
      return locateBare(reference.text, context, warn);
    case 'docker-daemon':
      return { in: 'engine', name: reference.name };
    case 'docker':
      return { in: 'registry', name: reference.name };
    default: {
      const { path, selector } = await existing(reference.choices);
      return { files: await openPath(path, context), selector, sources: SOURCES_OF[reference.transport] };
    }
  }
}

/** A path, or an image of the engine. */
async function locateBare(text: string, context: OpenContext, warn: Warn): Promise<Place> {
  const notTaken = (message: string) => warn({ code: 'DIMGX_SOURCE_NOT_TAKEN', message, count: 1 });
  const kind = await kindOf(text);
  if (kind && (await isPath(text, kind))) {
    // A directory that holds an image is surely meant, so there is no warning for it.
    if (kind === 'file' && mayBeName(text))
      notTaken(`${quoted(text)} is read as a path; for the engine's image: docker-daemon:${text}`);
    return { files: await openPath(text, context), sources: SOURCES };
  }
  if (/^\.{0,2}\//.test(text))
    throw new DimgxError('DIMGX_SOURCE_NOT_FOUND', `there is no file or directory ${quoted(text)}`, pathData(text));
  if (!kind) return { in: 'engine', name: text, path: `there is no file or directory ${quoted(text)}` };
  notTaken(`${quoted(text)} is asked of the engine; for the directory: ./${printable(text, 200)}`);
  return { in: 'engine', name: text, path: `the directory ${quoted(text)} holds no image` };
}

/** Whether a user could mean an image by it. Archives usually have an extension, and paths a slash. */
function mayBeName(text: string): boolean {
  return /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?::[\w][\w.-]{0,127})?$/.test(text) && !/\.[a-z][a-z0-9]*$/.test(text);
}

/** The first choice that exists. The choices begin with the longest path. */
async function existing(choices: readonly [PathChoice, ...PathChoice[]]): Promise<PathChoice> {
  for (const choice of choices) if (await exists(choice.path)) return choice;
  const [{ path }] = choices;
  throw new DimgxError('DIMGX_SOURCE_NOT_FOUND', `there is no file or directory ${quoted(path)}`, pathData(path));
}

/**
 * With a slash, anything that exists is a path. Without one, a file is, and so is a directory that holds an image or
 * has a name that no image can have.
 */
async function isPath(text: string, kind: 'file' | 'directory'): Promise<boolean> {
  const mayBeImage = fullName(text) !== undefined || /^[0-9a-f]{64}$/.test(text);
  if (kind === 'file' || text.includes('/') || !mayBeImage) return true;
  const marks = ['manifest.json', MARKER, INDEX, 'repositories'];
  return (await Promise.all(marks.map((mark) => exists(join(text, mark))))).includes(true);
}

async function exists(path: string): Promise<boolean> {
  return (await kindOf(path)) !== undefined;
}

/** @returns `undefined` if nothing is there */
async function kindOf(path: string): Promise<'file' | 'directory' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return undefined;
    throw failure;
  }
}
