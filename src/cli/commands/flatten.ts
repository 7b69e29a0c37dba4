import prettyBytes from 'pretty-bytes';
import { type EntryEvent, type FlattenOptions, flatten } from '../../index.js';
import type { Log } from '../messages/log.js';
import { reportSource } from '../messages/messages.js';
import type { Result } from './command.js';

/**
 * Flattens an image. Only `--json` prints anything: a summary of what was written.
 *
 * @param target a path, or `-` for standard output; then the summary goes to standard error
 */
export async function flattenImage(
  reference: string,
  target: string,
  options: FlattenOptions,
  log: Log,
): Promise<Result> {
  const result = await flatten(reference, target, {
    ...options,
    ...(log.shows('info') && { onEntry: entryLogger(log) }),
  });
  reportSource(result.source, options);
  return { text: () => '', json: () => result, ...(target === '-' && { stream: process.stderr }) };
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
