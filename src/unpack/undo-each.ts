import type { ByteName } from '../base/io/open-folder.js';
import type { PathRecord } from './path-log.js';
import { Turns } from './turns.js';

/**
 * Undoes one thing after another. What cannot be undone is left alone: the error that ended the run is what the caller
 * reports.
 */
export async function undoEach(
  records: Iterable<PathRecord>,
  undo: (path: ByteName, ...fields: string[]) => void,
): Promise<void> {
  const turns = new Turns();
  for (const record of records) {
    try {
      undo(...record);
    } catch {
      // Others may have moved or closed it.
    }
    await turns.due();
  }
}
