import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, namesIn } from '../base/io/folders.js';
import { restOfPieces } from '../base/io/region.js';
import { openRegularFile, replaceFile } from '../base/io/regular-file.js';
import { isSystemError } from '../errors.js';
import { algorithmOf, type Digest, hexOf, isDigest, parseDigest } from '../reference/digest.js';
import { StorageFailure } from './storage-failure.js';

/** A stored blob, and the data derived from it. */
export interface CacheEntry {
  readonly digest: Digest;
  /** Size of the blob, in bytes. */
  readonly length: number;
  /** Size of the derived data, in bytes; 0 if there is none. */
  readonly derived: number;
  readonly lastUsed: Date;
}

/** A blob that is downloaded only in part, or not at all yet. */
export interface PartialFile {
  readonly path: string;
  /** Digest of the finished blob; `undefined` if the file is not a blob. */
  readonly digest: Digest | undefined;
  /** The key of the claim that a writer holds. */
  readonly key: string;
  /** In bytes. */
  readonly length: number;
  readonly lastWritten: Date;
}

/** An image name that was requested, and the digest that its registry returned. */
export interface NamedDigest {
  readonly path: string;
  readonly digest: string;
  readonly name: string;
}

const { O_RDONLY, O_NOFOLLOW, O_NOATIME = 0 } = constants;

/**
 * Flags for inspecting a blob without updating its access time, which records the last use. Only the owner may use
 * them. Source: open(2).
 */
export const READ_QUIETLY = O_RDONLY | O_NOFOLLOW | O_NOATIME;

/** The paths in a cache folder. */
export class CacheFiles {
  readonly folder: string;
  /** Folder of the claims; see `claimOr`. */
  readonly claims: string;
  readonly partials: string;
  readonly #names: string;

  constructor(folder: string) {
    this.folder = folder;
    this.claims = join(folder, 'claims');
    this.partials = join(folder, 'partial');
    this.#names = join(folder, 'names');
  }

  blob(digest: Digest): string {
    return join(this.folder, 'blobs', ...pathOf(digest));
  }

  derived(digest: Digest): string {
    return join(this.folder, 'indexes', ...pathOf(digest));
  }

  /** Path of the file that records what an image name referred to. */
  name(name: string): string {
    return join(this.#names, createHash('sha256').update(name).digest('hex'));
  }

  partial(digest: Digest): string {
    return join(this.partials, this.key(digest));
  }

  key(digest: Digest): string {
    return pathOf(digest).join('-');
  }

  /** All blobs stored at present, in no particular order. */
  async entries(): Promise<readonly CacheEntry[]> {
    const digests = await this.#digests('blobs');
    const found = await Promise.all(digests.map((digest) => this.#entry(digest)));
    return found.filter((entry) => entry !== undefined);
  }

  /** Digests that have derived data but no stored blob. The blobs are listed last: one may be stored meanwhile. */
  async orphans(): Promise<readonly Digest[]> {
    const derived = await this.#digests('indexes');
    const stored = new Set(await this.#digests('blobs'));
    return derived.filter((digest) => !stored.has(digest));
  }

  /** Image names, with the digests they refer to. */
  async names(): Promise<readonly NamedDigest[]> {
    const files = (await namesIn(this.#names)).map((file) => join(this.#names, file));
    const texts = await Promise.all(
      files.map(async (path) => [path, await readRegular(path).catch(() => '')] as const),
    );
    return texts.map(([path, text]) => {
      const [digest = '', name = ''] = text.toString().split('\n');
      return { path, digest, name };
    });
  }

  async unfinished(): Promise<readonly PartialFile[]> {
    const names = await namesIn(this.partials);
    const found = await Promise.all(
      names.map(async (name) => {
        const path = join(this.partials, name);
        const about = await lstat(path).catch(() => undefined);
        const digest = name.replace('-', ':');
        const isBlob = isDigest(digest);
        return (
          about && {
            path,
            digest: isBlob ? digest : undefined,
            key: name,
            length: about.size,
            lastWritten: about.mtime,
          }
        );
      }),
    );
    return found.filter((file) => file !== undefined);
  }

  /** Removes a blob and the data derived from it. @returns whether the blob existed */
  async remove(digest: Digest): Promise<boolean> {
    await removeFile(this.derived(digest));
    return removeFile(this.blob(digest));
  }

  async #entry(digest: Digest): Promise<CacheEntry | undefined> {
    const [about, derived] = await Promise.all(
      [this.blob(digest), this.derived(digest)].map((path) => stat(path).catch(() => undefined)),
    );
    return about && { digest, length: about.size, derived: derived?.size ?? 0, lastUsed: about.atime };
  }

  async #digests(kind: 'blobs' | 'indexes'): Promise<readonly Digest[]> {
    const algorithms = await namesIn(join(this.folder, kind));
    const names = algorithms.map(async (algorithm) =>
      (await namesIn(join(this.folder, kind, algorithm))).map((hex) => `${algorithm}:${hex}`),
    );
    return (await Promise.all(names)).flat().filter(isDigest);
  }
}

/** @returns whether the file existed */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR')) return false;
    throw failure;
  }
}

/** Validates the digest, so that a malformed one cannot become a path. */
function pathOf(digest: Digest): [string, string] {
  const checked = parseDigest(digest, 'a blob');
  return [algorithmOf(checked), hexOf(checked)];
}

/**
 * Opens a file in a cache folder.
 *
 * @throws StorageFailure if it is not a regular file; the operating system's error
 */
export function openRegular(path: string, flags: number, mode?: number): Promise<FileHandle> {
  return openRegularFile(path, (message) => new StorageFailure(message), flags, mode);
}

/** Reads a whole file in a cache folder. @throws as `openRegular` */
export async function readRegular(path: string): Promise<Buffer<ArrayBuffer>> {
  const file = await openRegular(path, constants.O_RDONLY);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/**
 * Writes a file atomically: readers see all of it or nothing. Replaces any file of that name.
 *
 * @param aside a folder on the same disk, for the unfinished file
 * @throws the operating system's error; nothing is left behind then
 */
export async function writeWhole(path: string, parts: readonly Uint8Array[], aside: string): Promise<void> {
  await makeFolder(aside, 0o700);
  await makeFolder(dirname(path), 0o700);
  const temporary = join(aside, `whole-${randomBytes(8).toString('hex')}`);
  await replaceFile(path, temporary, async (file) => {
    for (let left = parts.filter(({ length }) => length > 0); left.length > 0; ) {
      const { bytesWritten } = await file.writev(left);
      left = restOfPieces(left, bytesWritten);
    }
  });
}
