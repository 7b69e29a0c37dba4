import type { Warning } from '../errors.js';
import type { EntryColumns } from './entry-table.js';

/** Result of reading a layer's headers. */
export interface LayerContents {
  readonly columns: EntryColumns;
  /** Sum of the sizes in the headers, in bytes. */
  readonly contentSize: number;
  /** Length of the uncompressed layer, in bytes. */
  readonly length: number;
  /** Bytes counted against `maxSize`: the length, plus what sparse files expand to. */
  readonly spentBytes: number;
  readonly warnings: readonly Warning[];
  /** Warning about records that only matter in an image for Windows and are dropped from other images. */
  readonly windowsRecords?: Warning | undefined;
  /** Whether the layer has the layout of a Windows layer. */
  readonly isForWindows: boolean;
}
