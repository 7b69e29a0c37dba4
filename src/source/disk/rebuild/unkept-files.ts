import { quoted } from '../../../base/text/printable.js';
import { cleanName } from './overwritten-files.js';
import type { PieceTable } from './piece-table.js';
import type { TarSplitItem } from './tar-split.js';

type FileItem = Extract<TarSplitItem, { kind: 'file' }>;

interface UnkeptFile extends Omit<FileItem, 'kind' | 'name'> {
  /** Its number in the table; `undefined` if the piece is not as long as the file. */
  readonly piece: number | undefined;
}

const SLASH = 0x2f;

/** Whether a name may be that of a whiteout, or of a folder. */
export function isMarker(name: Buffer): boolean {
  return name.at(-1) === SLASH || name.includes('.wh.');
}

/** Engines do not keep whiteouts as files, nor what AUFS left behind. They keep what is in a folder named like one. */
export function isUnkept(name: Buffer): boolean {
  const clean = cleanName(name);
  return clean.startsWith('.wh..wh.') || clean.startsWith('.wh.', clean.lastIndexOf('/') + 1);
}

/**
 * Files whose names engines do not keep. What AUFS put aside they keep by the names of the hard links to it, if there
 * are any. Source: moby, pkg/archive/diff.go, UnpackLayer.
 */
export class UnkeptFiles {
  readonly #table: PieceTable;
  /** Those without a hard link so far, by their names. */
  readonly #files = new Map<string, UnkeptFile>();

  constructor(table: PieceTable) {
    this.#table = table;
  }

  /** Number of the files without a hard link so far. */
  get count(): number {
    return this.#files.size;
  }

  /** @param piece a piece of zeros, for its contents; `undefined` if it is not as long */
  add({ name, size, crc }: FileItem, piece: number | undefined): void {
    this.#files.set(cleanName(name), { piece, size, crc });
  }

  /** Whether a hard link is the first one to such a file. */
  canTake(target: Uint8Array): boolean {
    return this.#files.get(cleanName(target))?.piece !== undefined;
  }

  /** Takes the contents from the first hard link to a file: see `canTake`. */
  take(link: Buffer, target: Uint8Array): void {
    const { piece, size, crc } = this.#files.get(cleanName(target)) as UnkeptFile;
    this.#files.delete(cleanName(target));
    this.#table.fill(piece as number, this.#table.addFile(link, size, crc));
  }

  /** Why the layer has other bytes than when it was stored, if it has. Call it after the last entry. */
  unlike(): string | undefined {
    const [first] = this.#files.keys();
    if (first === undefined) return undefined;
    const name = quoted(Buffer.from(first, 'latin1'));
    return `the engine has not kept the contents of ${name}`;
  }
}
