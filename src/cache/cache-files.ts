import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError } from '../base/io/system-error.js';
import { algorithmOf, type Digest, hexOf, isDigest, parseDigest } from '../reference/digest.js';
import { readRegular } from './open-regular.js';

/** A blob that is stored, and what was derived from it. */
export interface CacheEntry {
  readonly digest: Digest;
  /** Of the blob, in bytes. */
  readonly length: number;
  /** Of what was derived from it, in bytes; 0 where there is nothing. */
  readonly derived: number;
  readonly lastUsed: Date;
}

/** A blob of which only the beginning, or not even that, has come. */
export interface PartialFile {
  readonly path: string;
  /** Of what it is to become; `undefined` when it is no blob. */
  readonly digest: Digest | undefined;
  /** Under which whoever writes to it claims it. */
  readonly key: string;
  /** In bytes. */
  readonly length: number;
  readonly lastWritten: Date;
}

/** That an image of this name was asked for, and what its registry had. */
export interface NamedDigest {
  readonly path: string;
  readonly digest: string;
  readonly name: string;
}

const { O_RDONLY, O_NOFOLLOW, O_NOATIME = 0 } = constants;

/** How a blob is opened to be looked at, which is no use of it. Only the owner may. Source: open(2). */
export const READ_QUIETLY = O_RDONLY | O_NOFOLLOW | O_NOATIME;

/** Where things lie in the folder of a cache. */
export class CacheFiles {
  readonly folder: string;
  /** Who is at work: see `claimOr`. */
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

  /** Where it stands what an image's name meant. */
  name(name: string): string {
    return join(this.#names, createHash('sha256').update(name).digest('hex'));
  }

  partial(digest: Digest): string {
    return join(this.partials, this.key(digest));
  }

  key(digest: Digest): string {
    return pathOf(digest).join('-');
  }

  /** What is stored just now, in no order. */
  async entries(): Promise<readonly CacheEntry[]> {
    const digests = await this.#digests('blobs');
    const found = await Promise.all(digests.map((digest) => this.#entry(digest)));
    return found.filter((entry) => entry !== undefined);
  }

  /** Of what there is something derived, though the blob itself is not there. */
  async orphans(entries: readonly CacheEntry[]): Promise<readonly Digest[]> {
    const stored = new Set(entries.map(({ digest }) => digest));
    return (await this.#digests('indexes')).filter((digest) => !stored.has(digest));
  }

  /** Names of images, with what they stand for. */
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

  /** Takes away a blob and what was derived from it. @returns whether it was there */
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

/** @returns whether it was there */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR')) return false;
    throw failure;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((failure: unknown) => {
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR')) return [];
    throw failure;
  });
}

/** A digest that is none must not become a path. */
function pathOf(digest: Digest): [string, string] {
  const checked = parseDigest(digest, 'a blob');
  return [algorithmOf(checked), hexOf(checked)];
}
