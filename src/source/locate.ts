import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathData, printable, quoted } from '../base/text/printable.js';
import { DimgxError, isSystemError, type Warn } from '../errors.js';
import type { OpenContext } from '../image/image.js';
import type { OpenOptions } from '../options.js';
import { fullName } from '../reference/image-name.js';
import { engineSource } from './engine-source.js';
import { filePlace } from './file-source.js';
import { openPath, openStandardInput } from './files/open-files.js';
import { FORM_MARKS, FORMS } from './form/forms.js';
import type { PathChoice, Reference } from './reference.js';
import { registrySource } from './registry-source.js';
import { type OpenRequest, type Place, prefixOf } from './source.js';
import { sourceOf } from './sources.js';

/**
 * Finds what a reference names. If that is files, opens them.
 *
 * @param warn receives DIMGX_REFERENCE_AMBIGUOUS when a bare name could mean two things
 * @throws DIMGX_SOURCE_NOT_FOUND, and as `openPath` and `openStandardInput`
 */
export async function locate(reference: Reference, context: OpenContext, warn: Warn): Promise<Place> {
  const { transport } = reference;
  if (transport === 'stdin') return filePlace(await openStandardInput(context), { forms: FORMS }, context);
  if (transport === 'bare') return locateBare(reference.text, context, warn);
  const source = sourceOf(transport);
  if ('name' in reference) return source.locate({ transport, operand: reference.name }, context);
  const { path, selector } = await existing(reference.choices);
  return source.locate({ transport, operand: path, selector }, context);
}

/** A path, or an image of the engine. */
async function locateBare(text: string, context: OpenContext, warn: Warn): Promise<Place> {
  const notTaken = (message: string) => warn({ code: 'DIMGX_REFERENCE_AMBIGUOUS', message, count: 1 });
  const kind = await kindOf(text);
  if (kind && (await isPath(text, kind))) {
    // A directory that holds an image is surely meant, so there is no warning for it.
    if (kind === 'file' && mayBeName(text))
      notTaken(
        `${quoted(text)} is read as a path; for the engine's image, write ${prefixOf(engineSource.usages[0])}${text}`,
      );
    return (
      (await storePlace(text, kind, context)) ?? filePlace(await openPath(text, context), { forms: FORMS }, context)
    );
  }
  if (/^\.{0,2}\//.test(text))
    throw new DimgxError('DIMGX_SOURCE_NOT_FOUND', `there is no file or directory ${quoted(text)}`, pathData(text));
  if (!kind) return enginePlace(text, `there is no file or directory ${quoted(text)}`, context);
  notTaken(`${quoted(text)} is looked up in the engine; for the directory, write ./${printable(text, 200)}`);
  return enginePlace(text, `the directory ${quoted(text)} holds no image`, context);
}

/** The place of a directory that is an engine's storage. */
async function storePlace(path: string, kind: 'file' | 'directory', context: OpenContext): Promise<Place | undefined> {
  if (kind === 'file') return undefined;
  const { storeAt } = await import('./disk/locate-store.js');
  return storeAt(path, context);
}

/**
 * An image of the engine; if there is no engine, perhaps of a registry.
 *
 * @param path what to say about the path of this name if the engine has no such image
 */
async function enginePlace(name: string, path: string, context: OpenContext): Promise<Place> {
  const named = { transport: 'bare', operand: name };
  const inEngine = await engineSource.locate(named, context);
  const inRegistry = await registrySource.locate(named, context);
  const open = (request: OpenRequest) =>
    inEngine.open(request).catch((failure: unknown) => {
      if (mayGoToRegistry(failure, request.options)) return inRegistry.open(request);
      return notFound(path, failure);
    });
  return { ...inEngine, open };
}

/** Codes that mean that there is no engine to use. */
const NO_ENGINE: readonly string[] = ['DIMGX_ENGINE_UNREACHABLE', 'DIMGX_ENGINE_CONFIG'];

/** If there is no engine to pull an image, it is read from its registry instead, unless the user named an engine. */
function mayGoToRegistry(failure: unknown, { pull = 'never', host }: OpenOptions): boolean {
  const hasNoEngine = failure instanceof DimgxError && NO_ENGINE.includes(failure.code);
  return hasNoEngine && pull !== 'never' && host === undefined;
}

/** For a bare name, the error also says what is at that path. */
function notFound(path: string, failure: unknown): never {
  const isAbsent = failure instanceof DimgxError && [...NO_ENGINE, 'DIMGX_SOURCE_NO_SUCH_IMAGE'].includes(failure.code);
  if (!isAbsent) throw failure;
  throw failure.retold(`${path}; ${failure.message}`);
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
  return (await Promise.all(FORM_MARKS.map((mark) => exists(join(text, mark))))).includes(true);
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
