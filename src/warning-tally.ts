import { printable } from './base/text/printable.js';
import type { Warning, WarningCode } from './errors.js';

/** Text of the warning about the entry it names. */
const SAYINGS = {
  DIMGX_ENTRY_SPARSE: 'a sparse entry is passed through unchanged',
  DIMGX_ENTRY_CONTIGUOUS: 'a contiguous file, which container engines refuse, is treated as a regular file',
  DIMGX_ENTRY_PAX_RECORD: 'PAX records that container engines ignore are left out',
  DIMGX_ENTRY_XATTR_NAME:
    'an xattr whose name has %25 or %3D is written as GNU tar reads it, which other programs do not',
  DIMGX_ENTRY_DUPLICATE: 'a path occurs twice, and the last entry counts',
  DIMGX_ENTRY_BAD_WHITEOUT: 'a whiteout names nothing and is ignored',
  DIMGX_ENTRY_DEVICE_WHITEOUT: 'a device 0:0 is treated as a whiteout',
  DIMGX_ENTRY_AUFS: 'leftovers of AUFS are left out',
  DIMGX_ENTRY_SYMLINK_REPLACED: 'a directory replaces a symlink of an older layer, as in a container',
  DIMGX_ENTRY_FILE_REPLACED: 'a directory replaces a file of an older layer, as in a container',
  DIMGX_ENTRY_LINK_ACROSS_LAYERS: 'a hard link to a file of an older layer is kept',
  DIMGX_ENTRY_LINK_NOT_SELECTED: 'a hard link without its target in the selected layers is left out',
} as const satisfies Partial<Record<WarningCode, string>>;

export type TalliedCode = keyof typeof SAYINGS;

/** Counts odd entries. Each kind yields one warning per layer, with its count and first entry. */
export class WarningTally {
  readonly #counts = new Map<TalliedCode, { count: number; readonly first: string }>();

  /** @param path of the entry; copied on the first call for a code */
  add(code: TalliedCode, path: Uint8Array): void {
    const seen = this.#counts.get(code);
    if (seen) seen.count++;
    else this.#counts.set(code, { count: 1, first: path.length > 0 ? printable(path) : './' });
  }

  /** The warnings, ordered by first occurrence. */
  warnings(): Warning[] {
    return [...this.#counts].map(([code, { count, first }]) => ({
      code,
      message: `${SAYINGS[code]}: "${first}"`,
      count,
    }));
  }
}

/** The same warning, with the layer named in its message. */
export function ofLayer(layer: string, { code, message, count }: Warning): Warning {
  return { code, message: `layer ${layer}: ${message}`, count };
}
