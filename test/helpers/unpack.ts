import type { Warning } from '#dimgx/errors.js';
import { PassingTar } from '#dimgx/tar/passing-tar.js';
import type { CopySource } from '#dimgx/unpack/landings.js';
import type { UnpackResult } from '#dimgx/unpack/tree-writer.js';
import { type UnpackOptions, unpackTar } from '#dimgx/unpack/unpack-tar.js';
import { inPieces } from './convert.js';

export interface UnpackCall extends Omit<UnpackOptions, 'sources' | 'onWarning'> {
  /** As a user gives them, in latin1: `/etc`, `etc/.`. Default: the root. */
  readonly sources?: readonly string[];
  /** The tar comes in pieces of this length, in bytes. Default: whole. */
  readonly piece?: number;
  /** Called after each piece. */
  readonly onPiece?: () => Promise<void> | void;
}

export type Unpacked = UnpackResult & { readonly warnings: readonly Warning[] };

/** Unpacks a tar as a caller of the library must: what fails is discarded. */
export async function unpack(tar: Uint8Array, call: UnpackCall): Promise<Unpacked> {
  const warnings: Warning[] = [];
  const sources = (call.sources ?? ['/']).map(sourceOf);
  const unpacking = await unpackTar({ ...call, sources, onWarning: (warning) => void warnings.push(warning) });
  const passing = new PassingTar(unpacking.visitor);
  try {
    for (const piece of inPieces(tar, call.piece ?? Math.max(1, tar.length))) {
      await passing.push(piece);
      await call.onPiece?.();
    }
    return { ...(await unpacking.finish()), warnings };
  } catch (failure) {
    await unpacking.discard();
    throw failure;
  }
}

function sourceOf(text: string): CopySource {
  const path = text.replace(/^\//, '').replace(/(^|\/)\.?$/, '');
  const name = text.endsWith('/.') ? '' : path.slice(path.lastIndexOf('/') + 1);
  return { path: Buffer.from(path, 'latin1'), name: Buffer.from(name, 'latin1') };
}
