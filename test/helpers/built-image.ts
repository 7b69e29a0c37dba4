import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { archiveOf, type Members } from './members.js';

/** An image to write to an archive or a layout. */
export interface BuiltImage {
  /** `name:tag`. */
  readonly tags?: readonly string[];
  /** Uncompressed tars, oldest to newest: see `layerOf`. */
  readonly layers: readonly Uint8Array[];
  /** Fields of the config, added to the usual ones or replacing them. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/**
 * An uncompressed layer. Entries other than files are given as tar-stream headers: `{ type: 'symlink', linkname: 'x'
 * }`.
 */
export function layerOf(members: Members): Promise<Buffer> {
  return archiveOf(members);
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function diffIdOf(layer: Uint8Array): string {
  return `sha256:${sha256(layer)}`;
}

/** The bytes of the config. Their SHA-256 is the image's ID. */
export function configOf({ layers, config }: BuiltImage): Buffer {
  const usual = {
    architecture: 'amd64',
    os: 'linux',
    created: '2024-01-02T03:04:05Z',
    rootfs: { type: 'layers', diff_ids: layers.map(diffIdOf) },
    history: layers.map((_, index) => ({ created: '2024-01-02T03:04:05Z', created_by: `step ${index + 1}` })),
  };
  return Buffer.from(JSON.stringify({ ...usual, ...config }));
}

export function imageIdOf(image: BuiltImage): string {
  return sha256(configOf(image));
}

export function gzipped(layer: Uint8Array): Buffer {
  return gzipSync(layer);
}
