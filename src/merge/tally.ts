import type { Warn, WarningCode } from '../errors.js';
import { printable } from '../image/printable.js';
import { latin1 } from '../tar/pax.js';

/** Counts oddities, so that each kind is said once for a layer, with an example, however often it occurs. */
export class Tally {
  readonly #counts = new Map<WarningCode, { count: number; readonly example: string }>();

  add(code: WarningCode, path: Uint8Array): void {
    const seen = this.#counts.get(code);
    if (seen) seen.count++;
    else this.#counts.set(code, { count: 1, example: shownPath(path) });
  }

  /** Says all that was counted, and forgets it. */
  flush(layer: string, warn: Warn): void {
    const counts = [...this.#counts];
    this.#counts.clear();
    for (const [code, { count, example }] of counts) {
      const more = count === 1 ? '' : ` and ${count - 1} more`;
      warn({ code, message: `layer ${layer}: ${SAYINGS[code] ?? code}: "${example}"${more}` });
    }
  }
}

const SAYINGS: Partial<Record<WarningCode, string>> = {
  DIMGX_MERGE_DUPLICATE: 'a path stands twice, the last counts',
  DIMGX_MERGE_BAD_WHITEOUT: 'a whiteout names nothing and is ignored',
  DIMGX_MERGE_DEVICE_WHITEOUT: 'a device 0:0 is taken as a whiteout',
  DIMGX_MERGE_AUFS: 'leftovers of AUFS are left out',
  DIMGX_MERGE_SYMLINK_REPLACED: 'a directory replaces a symlink of an older layer, as in a container',
  DIMGX_MERGE_FILE_REPLACED: 'a directory replaces a file of an older layer, as in a container',
  DIMGX_MERGE_LINK_ACROSS_LAYERS: 'a hard link to a file of an older layer is kept',
  DIMGX_MERGE_LINK_NOT_SELECTED: 'a hard link without its target in the selected layers is left out',
};

/** A path to be shown: decoded as UTF-8, control characters escaped. */
export function shownPath(path: Uint8Array): string {
  return printable(Buffer.from(latin1(path), 'latin1').toString('utf8'));
}
