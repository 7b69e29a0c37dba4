import { Writable } from 'node:stream';
import prettyBytes from 'pretty-bytes';
import { DimgxError, type EntryEvent, type FlattenOptions, type FlattenResult, flatten } from '../../index.js';
import type { Log } from '../messages/log.js';
import { reportSource } from '../messages/messages.js';
import type { Result } from './command.js';

/**
 * Flattens an image. Prints nothing but what options ask for: the digest of the tree, or with `--json` a summary of
 * what was written.
 *
 * @param target a path, or `-` for standard output; `undefined` if only records or hidden versions are wanted
 */
export async function* flattenImage(
  reference: string,
  target: string | undefined,
  options: FlattenOptions,
  log: Log,
): AsyncIterable<Result> {
  const result = await flattened(reference, target, options, log);
  // Standard output has been written: what is printed must not follow it.
  const isTaken = [target, options.hiddenTo, ...Object.values(options.records ?? {})].includes('-');
  yield { ...shown(result), ...(isTaken && { stream: process.stderr }) };
  requireWhole(result);
}

/** Computes the digest of an image's tree, and writes nothing. */
export async function* digestImage(reference: string, options: FlattenOptions, log: Log): AsyncIterable<Result> {
  const nowhere = new Writable({ write: (_piece, _encoding, done) => done() });
  const result = await flattened(reference, nowhere, { ...options, compression: 'none', level: undefined }, log);
  yield shown(result);
  requireWhole(result);
}

async function flattened(
  reference: string,
  target: string | Writable | undefined,
  options: FlattenOptions,
  log: Log,
): Promise<FlattenResult> {
  const result = await flatten(reference, target, {
    ...options,
    ...(log.shows('info') && { onEntry: entryLogger(log) }),
  });
  reportSource(result.source, options);
  return result;
}

/** Ends with an error once everything has been written that could be. */
export function requireWhole({ leftOut: { length } = [] }: Pick<FlattenResult, 'leftOut'>): void {
  if (length === 0) return;
  const message = `${length === 1 ? 'a file was' : `${length} files were`} changed in the engine's storage, and left out: everything else has been written`;
  throw new DimgxError('DIMGX_STORE_FILE_CHANGED', message);
}

function shown(result: FlattenResult): Result {
  const { treeDigest } = result;
  return { text: () => (treeDigest === undefined ? '' : `${treeDigest}\n`), json: () => result };
}

/**
 * Logs what happens to each entry, as in 2015: at level info the entries that are written, with size, mode and time; at
 * debug the entries that are skipped. Times are in UTC, so that the same image gives the same lines.
 */
export function entryLogger(log: Log): (event: EntryEvent) => void {
  return ({ action, path, layer, reason, size, mode, mtime }) => {
    if (action === 'skip') {
      log.write('debug', `skipping "${path}"${reason === undefined ? '' : ` ${reason}`}`);
      return;
    }
    const facts = `size: ${prettyBytes(size)}; mode: ${mode.toString(8)}; mtime: ${timeText(mtime)}`;
    log.write('info', `writing "${path}" from "${layer}" to archive (${facts})`);
  };
}

/** RFC 3339; a time that `Date` cannot represent is shown in seconds. */
function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString().replace('.000Z', 'Z');
}
