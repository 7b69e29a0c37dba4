import type { Resources } from '../base/io/resources.js';
import type { Limits } from '../base/limits.js';
import type { Progress } from '../options.js';
import type { WatchSpool } from './image.js';

/** Resources and options for opening an image. Anything that must be closed later goes into `resources`. */
export interface OpenContext {
  readonly resources: Resources;
  readonly limits: Pick<Limits, 'maxSize'>;
  readonly tmpDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Estimated length of a stream, in bytes. */
  readonly expected?: number | undefined;
  readonly watch?: WatchSpool | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}
