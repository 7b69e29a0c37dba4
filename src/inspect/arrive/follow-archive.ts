import { createHash } from 'node:crypto';
import type { ReadAt } from '../../base/io/region.js';
import type { Limits } from '../../base/limits.js';
import type { SharedLength } from '../../base/worker/shared-length.js';
import type { LayerContents } from '../../layer/layer-index.js';
import { QUIRK } from '../../tar/entry.js';
import { TYPE } from '../../tar/header.js';
import { TarStreamScan } from '../../tar/scan.js';
import { HeaderScanner } from '../../tar/scanner.js';
import { Budget } from '../budget.js';
import { LayerEntries } from '../index-layer.js';

/** An uncompressed layer in an archive, read while the archive arrived. */
export interface FollowedLayer {
  /** Offset in the archive, in bytes. */
  readonly offset: number;
  readonly length: number;
  readonly contents: LayerContents;
  /** Hex digest of the layer's bytes, if requested. */
  readonly sha256?: string;
}

const WINDOW = 64 * 1024;
const PIECE = 1024 * 1024;

interface LayerMember {
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads an archive behind the thread that writes it: the headers of its members, and the headers and bytes of members
 * that are tars. Blocks its thread while it waits.
 *
 * @param read reads what has arrived
 * @param hashes whether to hash layers
 * @returns the layers that can be used as they are; compressed or damaged layers, and those beyond a limit, are left
 *   out
 */
export async function followArchive(
  read: ReadAt,
  arrived: SharedLength,
  limits: Limits,
  hashes: boolean,
): Promise<readonly FollowedLayer[]> {
  const members: LayerMember[] = [];
  const scanner = new HeaderScanner(({ type, quirks, dataOffset: offset, dataSize: length }) => {
    const isWhole = (quirks & (QUIRK.oldSparse | QUIRK.paxSparse)) === 0;
    if (type === TYPE.file && isWhole && length > 0) members.push({ offset, length });
  }, 'archive');
  const layers: FollowedLayer[] = [];
  while (!scanner.done) {
    const { position, need } = scanner;
    const length = arrived.waitFor(position + need);
    if (length < position + need) break;
    const bytes = new Uint8Array(Math.max(need, Math.min(WINDOW, length - position)));
    await read(bytes, position);
    scanner.feed(bytes);
    for (const member of members.splice(0)) {
      const layer = await followMember(member, read, arrived, limits, hashes).catch(() => undefined);
      if (layer) layers.push(layer);
    }
  }
  return layers;
}

async function followMember(
  { offset, length }: LayerMember,
  read: ReadAt,
  arrived: SharedLength,
  limits: Limits,
  hashes: boolean,
): Promise<FollowedLayer> {
  const budget = new Budget(limits);
  budget.spendBytes(length);
  const entries = new LayerEntries(budget);
  const scan = new TarStreamScan(entries.add);
  const hash = hashes ? createHash('sha256') : undefined;
  const buffer = new Uint8Array(Math.min(PIECE, length));
  for (let position = 0; position < length; ) {
    const piece = buffer.subarray(0, Math.min(buffer.length, length - position));
    arrived.waitFor(offset + position + piece.length);
    await read(piece, offset + position);
    hash?.update(piece);
    scan.push(piece);
    position += piece.length;
  }
  const contents = entries.contents(scan.finish(), length);
  return { offset, length, contents, ...(hash && { sha256: hash.digest('hex') }) };
}
