import prettyBytes from 'pretty-bytes';
import type { EntryEvent } from '../../options.js';
import type { Log } from './log.js';

/**
 * Logs what becomes of each entry, as in 2015: what is written with its size, mode and time at the level info, what is
 * skipped at debug. Times are in UTC, so that the same image gives the same lines.
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

/** RFC 3339; what no calendar holds is shown in seconds. */
function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString().replace('.000Z', 'Z');
}
