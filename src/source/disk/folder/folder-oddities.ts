import { printable } from '../../../base/text/printable.js';
import type { Warn } from '../../../errors.js';
import type { BytePath } from './layer-folder.js';

/** What is odd about a folder, as a layer. */
const KINDS = {
  socket: { code: 'DIMGX_ENTRY_LEFT_OUT', says: 'sockets are left out, because a tar cannot hold them' },
  mark: {
    code: 'DIMGX_ENTRY_LEFT_OUT',
    says: 'files are left out whose names would make them whiteouts in a layer',
  },
  xattr: {
    code: 'DIMGX_ENTRY_LEFT_OUT',
    says: 'extended attributes are left out whose names have a "=", which a tar cannot hold',
  },
  vanished: {
    code: 'DIMGX_CONTAINER_CHANGED',
    says: 'files vanished while they were read, and are left out',
  },
  unmarked: {
    code: 'DIMGX_CONTAINER_NO_MARKS',
    says: "nothing has overlayfs's attributes, not even folders that it has merged: if a copy of the storage lost them, files may be back that the container has removed",
  },
} as const;

/** Counts what is odd, and warns once of each kind. */
export class FolderOddities {
  readonly #found = new Map<keyof typeof KINDS, { count: number; readonly first: BytePath }>();

  add(kind: keyof typeof KINDS, path: BytePath): void {
    const seen = this.#found.get(kind);
    if (seen) seen.count++;
    else this.#found.set(kind, { count: 1, first: path });
  }

  /** Something that is not odd after all. */
  forget(kind: keyof typeof KINDS): void {
    this.#found.delete(kind);
  }

  /** @param layer the name of the layer */
  tell(layer: string, warn: Warn): void {
    for (const [kind, { count, first }] of this.#found) {
      const { code, says } = KINDS[kind];
      warn({
        code,
        message: `layer ${layer}: ${says}: "${printable(Buffer.from(first, 'latin1'))}"`,
        count,
        reason: kind,
      });
    }
  }
}
