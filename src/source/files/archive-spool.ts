import { ftruncate } from 'node:fs';
import { promisify } from 'node:util';
import { Appender } from '../../base/io/appender.js';
import type { DescriptorFile } from '../../base/io/held-file.js';
import type { Region } from '../../base/io/region.js';
import { isNoSpace, openSpool, spoolFile, tellNeed, writeAt } from '../../base/io/spool.js';
import { tooLarge } from '../../base/limits.js';
import { DimgxError } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';

const truncate = promisify(ftruncate);

interface ArchiveSpoolOptions {
  /** Name of what is spooled, printable. */
  readonly location: string;
  /** Receives the first bytes, up to 1 MiB, before they are written; an error that it throws ends the spooling. */
  readonly check?: (head: Uint8Array) => void;
  /** Called when there is no more space. @returns whether there is some now */
  readonly makeRoom?: () => Promise<boolean>;
}

/** A spool that an archive is appended to. The image's resources close it. */
export class ArchiveSpool {
  readonly #file: DescriptorFile;
  readonly #context: OpenContext;
  readonly #options: ArchiveSpoolOptions;
  readonly #appender: Appender;
  readonly #watcher: ReturnType<NonNullable<OpenContext['watch']>> | undefined;
  /** Settles when nothing is being written. */
  #writing: Promise<void> = Promise.resolve();
  #dropping: Promise<void> | undefined;
  /** Maximum length, in bytes. */
  room = Number.POSITIVE_INFINITY;
  /** Whether the progress of this spool is that of the archive. */
  isReported = true;

  /** @throws DIMGX_SOURCE_NO_SPACE, DIMGX_TOO_MANY_FILES */
  static async open(context: OpenContext, options: ArchiveSpoolOptions): Promise<ArchiveSpool> {
    const file = spoolFile(await openSpool(context.tmpDir));
    context.resources.adoptFile(file);
    return new ArchiveSpool(file, context, options);
  }

  private constructor(file: DescriptorFile, context: OpenContext, options: ArchiveSpoolOptions) {
    this.#file = file;
    this.#context = context;
    this.#options = options;
    this.#watcher = context.watch?.(file);
    const write = (bytes: Uint8Array, position: number) => {
      const written = this.#write(bytes, position);
      this.#writing = written.catch(() => undefined);
      return written;
    };
    this.#appender = new Appender({ write });
  }

  /** What has been appended. */
  get region(): Region {
    return { file: this.#file, offset: 0, length: this.#appender.length };
  }

  /** As `Appender.append`. @throws DIMGX_SOURCE_NO_SPACE, DIMGX_LIMIT_SIZE */
  readonly append = (piece: Buffer): Promise<void> | undefined => this.#appender.append(piece);

  /** @throws as `append` */
  flush(): Promise<void> {
    return this.#appender.flush();
  }

  /** Frees the space of the spool, whose bytes are not needed. Writes under way end, and later ones fail. */
  drop(): Promise<void> {
    this.#dropping ??= this.#drop();
    return this.#dropping;
  }

  async #drop(): Promise<void> {
    await this.#writing;
    const fd = await this.#file.hold();
    try {
      await truncate(fd, 0); // at once: what watches the file may hold it open
    } finally {
      this.#file.release();
    }
    void this.#file.close();
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    const { location, check } = this.#options;
    const { limits, onProgress, expected } = this.#context;
    const length = position + bytes.length;
    if (position === 0) check?.(bytes);
    if (length > limits.maxSize) throw tooLarge(location, limits.maxSize);
    await this.#writeAll(bytes, position);
    this.#watcher?.grown(length);
    if (!this.isReported) return;
    const total = expected === undefined ? undefined : Math.max(expected, length);
    onProgress?.({ stage: 'open', item: location, done: length, total });
  }

  async #writeAll(bytes: Uint8Array, position: number): Promise<void> {
    const { location, makeRoom } = this.#options;
    const { expected } = this.#context;
    if (this.#dropping || position + bytes.length > this.room) {
      throw new DimgxError('DIMGX_SOURCE_NO_SPACE', `there is no room for ${location} in the temporary folder`);
    }
    const fd = await this.#file.hold();
    try {
      await writeAt(fd, bytes, position);
    } catch (failure) {
      if (isNoSpace(failure) && (await makeRoom?.())) return await this.#writeAll(bytes, position);
      const more =
        expected === undefined
          ? 'more than'
          : `about ${Math.max(expected, position + bytes.length)} bytes, and more than`;
      throw tellNeed(failure, `${location} takes ${more} ${position} bytes`);
    } finally {
      this.#file.release();
    }
  }
}
