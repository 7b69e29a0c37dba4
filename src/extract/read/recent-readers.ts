import { descriptorLimit } from '../../base/io/open-file-limit.js';
import type { RebuiltFiles } from '../../base/io/rebuilt-region.js';

/** Descriptors of the process for each reader that keeps folders open. */
const DESCRIPTORS = 64;
/** How many readers keep folders open, at least and at most. */
const [LEAST_OPEN, MOST_OPEN] = [1, 16];

/** The readers that were used last. Only these keep folders and files open: an image may have a hundred layers. */
export class RecentReaders {
  readonly #most = Math.max(
    LEAST_OPEN,
    Math.min(MOST_OPEN, (descriptorLimit() ?? Number.POSITIVE_INFINITY) / DESCRIPTORS),
  );
  /** The one used last is at the end. */
  readonly #recent: RebuiltFiles[] = [];

  use(files: RebuiltFiles): void {
    if (this.#recent.at(-1) === files) return;
    const place = this.#recent.indexOf(files);
    if (place >= 0) this.#recent.splice(place, 1);
    this.#recent.push(files);
    if (this.#recent.length > this.#most) this.#recent.shift()?.close();
  }

  /** Closes what all readers keep open. It is opened again when it is needed. */
  close(): void {
    for (const files of this.#recent.splice(0)) files.close();
  }
}
