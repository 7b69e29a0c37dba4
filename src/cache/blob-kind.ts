import { MAX_DOCUMENT } from '../base/limits.js';
import { tryParseJson } from '../base/text/go-json.js';
import { type CompressionName, detectCompression } from '../compression/codecs.js';
import { openRegular, READ_QUIETLY } from './cache-files.js';

/** What a blob appears to be: a document of an image, or a layer, by its compression. */
export type BlobKind = 'index' | 'manifest' | 'config' | 'tar' | Exclude<CompressionName, 'none'>;

const HEAD = 512;
/** Offsets of the magic in a tar header. Source: POSIX, pax. */
const USTAR = { from: 257, to: 262 };

/**
 * Guesses the kind of a blob from its bytes, for a listing.
 *
 * @returns `undefined` if the kind is unknown
 * @throws the operating system's error
 */
export async function blobKind(path: string): Promise<BlobKind | undefined> {
  const file = await openRegular(path, READ_QUIETLY);
  try {
    const head = Buffer.alloc(HEAD);
    const { bytesRead } = await file.read(head, 0, HEAD, 0);
    const compression = detectCompression(head.subarray(0, bytesRead));
    if (compression !== 'none') return compression;
    if (head.toString('latin1', USTAR.from, USTAR.to) === 'ustar') return 'tar';
    const { size } = await file.stat();
    if (size > MAX_DOCUMENT || !/^\s*\{/.test(head.toString('latin1'))) return undefined;
    const { buffer } = await file.read(Buffer.alloc(size), 0, size, 0);
    return documentKind(tryParseJson(buffer.toString()));
  } finally {
    await file.close();
  }
}

function documentKind(document: unknown): BlobKind | undefined {
  const has = (key: string) => typeof document === 'object' && document !== null && key in document;
  if (has('manifests')) return 'index';
  if (has('layers')) return 'manifest';
  return has('rootfs') ? 'config' : undefined;
}
