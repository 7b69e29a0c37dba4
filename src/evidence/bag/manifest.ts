import { fstat } from 'node:fs';
import { promisify } from 'node:util';
import type { FileBelow } from '../../base/io/folder-tree.js';
import { type Limits, tooManyEntries } from '../../base/limits.js';
import { quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import { type BagAlgorithm, digestLength, isBagAlgorithm } from './algorithms.js';
import { invalidBag } from './bag-error.js';
import { forEachLine } from './byte-lines.js';
import type { BagVersion } from './declaration.js';
import { decodePath, pathFlaw } from './manifest-path.js';
import { PathTable } from './path-table.js';

const statDescriptor = promisify(fstat);

/** Maximum length of a line, in bytes: more than any path that Linux takes, with each byte in percent-encoding. */
const LONGEST_LINE = 2 ** 15;

/** What the name of a manifest says. */
export interface ManifestKind {
  /** The file's name. */
  readonly name: string;
  readonly algorithm: BagAlgorithm;
  /** Whether it lists the payload, not tag files. */
  readonly isPayload: boolean;
}

/** A manifest of a bag, in memory. */
export interface Manifest extends ManifestKind {
  readonly files: PathTable;
}

/** @returns `undefined` if this is not the name of a manifest @throws DIMGX_BAG_INVALID for an unknown algorithm */
export function manifestKind(name: string): ManifestKind | undefined {
  const [, tag, algorithm] = /^(tag)?manifest-(.*)\.txt$/s.exec(name) ?? [];
  if (algorithm === undefined) return undefined;
  if (isBagAlgorithm(algorithm)) return { name, algorithm, isPayload: tag === undefined };
  throw invalidBag(`${quoted(name)} is of an algorithm that dimgx does not know`, name);
}

export interface ReadManifestOptions {
  readonly version: BagVersion;
  readonly limits: Limits;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a manifest, line by line. Each line has a digest and the path of a file, after blanks and perhaps an asterisk, as
 * `sha256sum` writes them; the path may begin with `./`. Empty lines are ignored. A digest in which capital letters are
 * mixed with small ones is refused: no tool writes that, but a flipped bit makes it. Source: RFC 8493, 2.1.3.
 *
 * @throws DIMGX_BAG_INVALID for any other line, for a path that leads out of its place, and for one that is there twice;
 *   DIMGX_LIMIT_ENTRIES, DIMGX_LIMIT_NAMES, DIMGX_SOURCE_CHANGED, DIMGX_ABORTED; the operating system's errors
 */
export async function readManifest(
  file: FileBelow,
  kind: ManifestKind,
  { version, limits, signal }: ReadManifestOptions,
): Promise<Manifest> {
  const length = digestLength(kind.algorithm);
  const files = new PathTable(length);
  const refuse = (why: string, number: number) => invalidBag(`${kind.name}, line ${number}: ${why}`, kind.name);
  const add = (line: string, number: number) => {
    if (line.length > LONGEST_LINE) throw refuse(`the line is longer than ${LONGEST_LINE} bytes`, number);
    const [, digest, text] = /^([\da-f]+|[\dA-F]+)[ \t]+(?![ \t])\*?(.+)$/s.exec(line) ?? [];
    if (digest?.length !== 2 * length || text === undefined) {
      if (/^[ \t]*$/.test(line)) return;
      throw refuse(`this is not the ${kind.algorithm} of a file and its path`, number);
    }
    const path = decodePath(text.replace(/^\.\//, ''), version);
    const flaw = pathFlaw(path, kind.isPayload);
    if (flaw !== undefined) throw refuse(`the path ${quoted(Buffer.from(path, 'latin1'))} ${flaw}`, number);
    if (files.length === limits.maxEntries) throw tooManyEntries(kind.name, limits.maxEntries);
    files.add(path, digest);
  };
  await forEachLine(file.fd, add, LONGEST_LINE, signal);
  const after = await statDescriptor(file.fd);
  if (after.size !== file.stats.size || after.mtimeMs !== file.stats.mtimeMs) {
    throw new DimgxError('DIMGX_SOURCE_CHANGED', `${kind.name} was written to while it was read: try again`);
  }
  const twice = files.sort();
  if (twice === undefined) return { ...kind, files };
  throw invalidBag(`${kind.name} lists ${quoted(Buffer.from(twice, 'latin1'))} twice`, kind.name);
}
