import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DimgxError } from '../errors.js';
import { printable, quoted } from '../image/printable.js';
import type { FileTransport, PathChoice, Reference } from '../reference/reference.js';
import * as dir from './dir.js';
import * as dockerArchive from './docker-archive.js';
import * as dockerV1 from './docker-v1.js';
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

/** Where a reference leads: files, and the forms in which an image may lie among them. */
export interface Place {
  readonly files: Files;
  readonly selector?: string | undefined;
  readonly sources: readonly Source[];
}

/**
 * Opens what a reference names, through the operating system alone.
 *
 * @throws DIMGX_SOURCE_NOT_FOUND, DIMGX_SOURCE_UNSUPPORTED, and as `openPath` and `openStandardInput`
 */
export async function locate(reference: Reference, context: OpenContext): Promise<Place> {
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
