import { DimgxError, type Warn } from '../../errors.js';
import { ABSENT } from './many-stores.js';

/** Codes that mean that a document itself is bad, not that this user may not read it. */
export const DAMAGE: readonly string[] = [
  'DIMGX_IMAGE_BAD_JSON',
  'DIMGX_IMAGE_DOCUMENT_TOO_LARGE',
  'DIMGX_SOURCE_BAD_MEMBER',
];

/** The lists of a storage that were found damaged. A power cut can empty one of them: the rest is read without it. */
export class DamagedLists {
  readonly #found = new Map<string, DimgxError>();

  /**
   * Reads a list that the rest of the storage can do without.
   *
   * @param path of it
   * @param lost what is not known without it: completes the warning
   * @returns `undefined` if it is damaged
   * @throws what `read` throws for other reasons
   */
  read<T>(path: string, lost: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (failure) {
      if (!(failure instanceof DimgxError) || !DAMAGE.includes(failure.code)) throw failure;
      this.#found.set(path, failure.retold(`${failure.message}: ${lost}`));
      return undefined;
    }
  }

  /** The error of one of these lists. */
  first(paths: readonly string[]): DimgxError | undefined {
    return paths.flatMap((path) => this.#found.get(path) ?? [])[0];
  }

  /** Warns of those that were found so far. */
  warn(warn: Warn): void {
    for (const { message } of this.#found.values()) warn({ code: 'DIMGX_STORE_LIST_DAMAGED', message, count: 1 });
  }

  /** Says of something that was not found that a damaged list may name it. */
  explain(failure: unknown): unknown {
    if (!(failure instanceof DimgxError) || !ABSENT.includes(failure.code)) return failure;
    const reasons = [...this.#found.values()].map(({ message }) => message);
    return reasons.length === 0 ? failure : failure.retold([failure.message, ...reasons].join('; '));
  }
}
