import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';

/** Types of file systems that keep everything in memory. Source: Linux, magic.h: tmpfs, ramfs. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** How much may be written to a temporary folder to save time, where the output does not need it. */
export interface SpoolRoom {
  /** Half of the folder's free space; if the folder is in memory, at most half of the machine's free memory, too. */
  readonly bytes: number;
  readonly isInMemory: boolean;
}

/**
 * Measures the room in a temporary folder. A file system that does not tell its size has room without end.
 *
 * @param tmpDir default: the system's temporary folder
 */
export async function spoolRoom(tmpDir: string | undefined): Promise<SpoolRoom> {
  const { type, blocks, bavail, bsize } = await statfs(tmpDir ?? tmpdir()).catch(() => UNKNOWN);
  if (blocks === 0) return { bytes: Number.POSITIVE_INFINITY, isInMemory: false };
  const isInMemory = IN_MEMORY.has(type >>> 0);
  const free = bavail * bsize;
  return { bytes: Math.floor((isInMemory ? Math.min(free, process.availableMemory()) : free) / 2), isInMemory };
}

const UNKNOWN = { type: 0, blocks: 0, bavail: 0, bsize: 0 };
