import type { Warning } from '../errors.js';
import type { EntryColumns } from './entry-table.js';

/** What came of reading a layer's headers. */
export interface LayerContents {
  readonly columns: EntryColumns;
  /** Sum of the sizes in the headers, in bytes. */
  readonly contentSize: number;
  /** Of the uncompressed layer, in bytes. */
  readonly length: number;
  /** What it takes of `maxSize`: its length, and what sparse files expand to. */
  readonly spentBytes: number;
  readonly warnings: readonly Warning[];
  /** Of records that count only in an image for Windows, which are left out of another. */
  readonly windowsRecords?: Warning | undefined;
  /** It is laid out as the layers of images for Windows are. */
  readonly isForWindows: boolean;
}
