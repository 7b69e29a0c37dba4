import prettyBytes from 'pretty-bytes';
import type { EntryEvent } from '../../options.js';
import type { Log } from './log.js';

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
