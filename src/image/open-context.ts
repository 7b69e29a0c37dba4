import type { Resources } from '../base/io/resources.js';
import type { Limits } from '../base/limits.js';
import type { Progress } from '../options.js';
import type { WatchSpool } from './image.js';

/** What opening an image may use, and where it leaves what must be closed. */
export interface OpenContext {
  readonly resources: Resources;
  readonly limits: Pick<Limits, 'maxSize'>;
  readonly tmpDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Of a stream, in bytes, as far as it can be guessed. */
  readonly expected?: number | undefined;
  readonly watch?: WatchSpool | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}
