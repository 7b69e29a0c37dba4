/** A range of user or group IDs. Source: user_namespaces(7). */
export interface IdRange {
  /** The first ID as processes in the container see it. */
  readonly container: number;
  /** The first ID on the disk. */
  readonly host: number;
  /** Number of IDs. */
  readonly size: number;
}

/** How the owners on a disk become those that the container sees. */
export interface OwnerMaps {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/** One more than the highest ID that a range may hold. */
const IDS = 2 ** 32 - 1;

/** Maps the IDs on a disk, and remembers those that no range has. */
export class IdMap {
  readonly #maps: readonly (readonly IdRange[])[];
  /** An ID that no range has, which is kept as it is. That of root does not count: engines own some files themselves. */
  stranger: number | undefined;

  /** @param maps applied one after another, the one next to the disk first; one without ranges changes nothing */
  constructor(maps: readonly (readonly IdRange[])[]) {
    this.#maps = maps.filter((ranges) => ranges.length > 0);
  }

  toContainer(id: number): number {
    let mapped = id;
    for (const ranges of this.#maps) {
      const range = ranges.find(({ host, size }) => mapped >= host && mapped < host + size);
      if (range) mapped = range.container + mapped - range.host;
      else if (id !== 0) this.stranger ??= id;
    }
    return mapped;
  }
}

/** The ranges of a user namespace whose root is another user of the host. */
export function shiftedBy(host: number): readonly IdRange[] {
  return host === 0 ? [] : [{ container: 0, host, size: IDS - host }];
}

/**
 * Parses ranges as Podman's `--uidmap` writes them: `CONTAINER:HOST:SIZE`, several with commas.
 *
 * @returns `undefined` if it is malformed
 */
export function parseIdMap(text: string): readonly IdRange[] | undefined {
  const ranges = text.split(',').map((range) => {
    const numbers = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(range)?.slice(1).map(Number);
    return numbers && rangeOf(numbers[0] as number, numbers[1] as number, numbers[2] as number);
  });
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
}

/** @returns `undefined` unless all IDs of the range are valid */
export function rangeOf(container: number, host: number, size: number): IdRange | undefined {
  const numbers = [container, host, size];
  const isValid = numbers.every((number) => Number.isSafeInteger(number) && number >= 0) && size > 0;
  return isValid && Math.max(container, host) + size <= IDS ? { container, host, size } : undefined;
}
