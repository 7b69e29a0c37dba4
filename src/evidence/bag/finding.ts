import type { ByteName } from '../../base/io/open-folder.js';
import { pathData } from '../../base/text/printable.js';

/** What is wrong with a file of a bag. */
export type BagProblem =
  /** Its digest is not the one in a manifest, or it was written to while it was read. */
  | 'changed'
  /** A manifest lists it, but it is not there. */
  | 'missing'
  /** It is in the payload, but in no manifest. */
  | 'extra'
  /** It is in some manifests, but not in all that have to list it. */
  | 'unlisted'
  /** It is a symlink, a FIFO, a socket or a device. It was not opened. */
  | 'irregular'
  | 'unreadable'
  /** What it says about the whole payload does not hold. */
  | 'contradicted';

/** What was found out about one file of a bag. */
export interface BagFinding {
  /** Path below the bag; printable. */
  readonly path: string;
  /** The raw bytes of `path`. */
  readonly rawPath: Uint8Array;
  /** Absent if nothing is wrong. */
  readonly problem?: BagProblem;
  /** Worded to follow the path; printable. */
  readonly message: string;
}

export function finding(path: ByteName, problem: BagProblem | undefined, message: string): BagFinding {
  const about = pathData(Buffer.from(path, 'latin1'));
  return problem === undefined ? { ...about, message } : { ...about, problem, message };
}
