import { closeSync } from 'node:fs';
import { limitsOf, tooLarge } from '../../base/limits.js';
import { printable } from '../../base/text/printable.js';
import { inputWarner } from '../../errors.js';
import type { CommonOptions, LimitOptions } from '../../options.js';
import { isWeak } from './algorithms.js';
import type { Bag } from './bag.js';
import { BAG_INFO, type BagInfoElement, formatOxum, type PayloadSum, payloadOxums, readBagInfo } from './bag-info.js';
import { type BagFinding, finding } from './finding.js';
import { type Manifest, readManifest } from './manifest.js';
import { PAYLOAD } from './manifest-path.js';
import { type Hashing, PartCheck } from './part-check.js';
import { walkBag } from './walk-bag.js';

export interface BagCheckOptions extends Omit<CommonOptions, 'onInfo'> {
  /** `maxSize` limits the bytes that are hashed, `maxEntries` each manifest and the files of the bag. */
  readonly limits?: LimitOptions | undefined;
}

/** The check of a bag, file by file. */
export class BagCheck {
  /** Elements of `bag-info.txt`, in order. Empty until the tag files have been checked. */
  info: readonly BagInfoElement[] = [];
  /** The payload manifests. Empty until the tag files have been checked. */
  payload: readonly Manifest[] = [];
  readonly #bag: Bag;
  readonly #options: BagCheckOptions;
  readonly #limits: ReturnType<typeof limitsOf>;
  /** Size of the files hashed so far, in bytes. */
  #size = 0;

  constructor(bag: Bag, options: BagCheckOptions = {}) {
    this.#bag = bag;
    this.#options = options;
    this.#limits = limitsOf(options.limits);
  }

  /**
   * Checks all files and tells about each: first the tag files, then the payload, in an order that depends on nothing but
   * their paths. Files that are missing come after those that are there. What no tag manifest lists is no problem, unless
   * it is a payload manifest in version 1.0. Call it once. Source: RFC 8493, 2.2.1 and 3.
   *
   * @throws DIMGX_BAG_INVALID, DIMGX_LIMIT_SIZE, DIMGX_LIMIT_ENTRIES, DIMGX_LIMIT_NAMES, DIMGX_SOURCE_UNREADABLE,
   *   DIMGX_SOURCE_CHANGED, DIMGX_TOO_MANY_FILES, DIMGX_ABORTED; DIMGX_BAG_WEAK with `strictInput`
   */
  async *findings(): AsyncGenerator<BagFinding, void, void> {
    this.#warnIfWeak();
    const { tree, version } = this.#bag;
    const limits = this.#limits;
    const isStrict = version === '1.0';
    const names = new Set(this.#kinds(true).map(({ name }) => name));

    const seals = await this.#read(false);
    const tags = { manifests: seals, isPayload: false, isListedByAll: (path: string) => isStrict && names.has(path) };
    yield* new PartCheck(
      tags,
      this.#hashing(() => {}),
    ).findings(walkBag(tree, { from: '', except: PAYLOAD, limits }));

    if (this.#bag.has(BAG_INFO)) this.info = readBagInfo(this.#bag.readSmall(BAG_INFO));
    this.payload = await this.#read(true);
    const data = { manifests: this.payload, isPayload: true, isListedByAll: () => isStrict };
    const check = new PartCheck(data, this.#hashing(this.#progress()));
    yield* check.findings(walkBag(tree, { from: PAYLOAD, limits }));
    yield* this.#checkSum(check.sum);
  }

  #kinds(isPayload: boolean) {
    return this.#bag.manifests.filter((kind) => kind.isPayload === isPayload);
  }

  async #read(isPayload: boolean): Promise<readonly Manifest[]> {
    const { version } = this.#bag;
    const { signal } = this.#options;
    const manifests: Manifest[] = [];
    for (const kind of this.#kinds(isPayload)) {
      const file = this.#bag.openFile(kind.name);
      try {
        manifests.push(await readManifest(file, kind, { version, limits: this.#limits, signal }));
      } finally {
        closeSync(file.fd);
      }
    }
    return manifests;
  }

  #hashing(onBytes: (bytes: number) => void): Hashing {
    const { maxSize } = this.#limits;
    const onFile = (bytes: number) => {
      this.#size += bytes;
      if (this.#size > maxSize) throw tooLarge('the bag', maxSize);
    };
    return { signal: this.#options.signal, onFile, onBytes };
  }

  #progress(): (bytes: number) => void {
    const { onProgress } = this.#options;
    const item = printable(this.#bag.path);
    const told = Number(payloadOxums(this.info)[0]?.split('.')[0]);
    const total = Number.isSafeInteger(told) ? told : undefined;
    let done = 0;
    return (bytes) => {
      done += bytes;
      onProgress?.({ stage: 'verify', item, done, total });
    };
  }

  *#checkSum(sum: PayloadSum): Generator<BagFinding, void, void> {
    const actual = formatOxum(sum);
    for (const told of payloadOxums(this.info)) {
      if (told === actual) continue;
      const message = `says that the Payload-Oxum is ${printable(told, 50)}, but it is ${actual}`;
      yield finding(BAG_INFO, 'contradicted', message);
    }
  }

  #warnIfWeak(): void {
    const isSound = [true, false].every((isPayload) => {
      const kinds = this.#kinds(isPayload);
      return kinds.length === 0 || kinds.some(({ algorithm }) => !isWeak(algorithm));
    });
    if (isSound) return;
    const message = 'the bag has only MD5 or SHA-1 manifests: whoever made its files can exchange them';
    inputWarner(this.#options)({ code: 'DIMGX_BAG_WEAK', message, count: 1 });
  }
}
