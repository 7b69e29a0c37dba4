import { dirname } from 'node:path/posix';
import { FolderTree } from '../../../base/io/folder-tree.js';
import { OpenFolder } from '../../../base/io/open-folder.js';
import { DimgxError, isSystemError } from '../../../errors.js';
import type { OpenContext } from '../../../image/image.js';
import { BLOCK, FIELD, isUstar } from '../../../tar/header.js';
import { parseNumber } from '../../../tar/number.js';
import { type IdRange, type OwnerMaps, shiftedBy } from '../folder/id-map.js';
import { readTarSplit } from '../rebuild/tar-split.js';
import type { StoreLayer } from '../store.js';
import type { StoreFiles } from '../store-files.js';

/** Where the subordinate IDs of a user begin, as far as that is known. */
interface Starts {
  uid: number | undefined;
  gid: number | undefined;
}

/**
 * Finds the subordinate IDs of a rootless engine's user from the layers of an image: their records say which owner a file
 * has in a container, and the disk says which one it got.
 *
 * @param layers oldest first
 * @returns without ranges if no file has an owner other than root; the ranges follow those of the user
 * @throws DIMGX_ABORTED
 */
export async function deriveOwners(
  files: StoreFiles,
  layers: readonly StoreLayer[],
  context: OpenContext,
): Promise<OwnerMaps> {
  const starts: Starts = { uid: undefined, gid: undefined };
  for (const { folder, tarSplit } of layers) {
    if (starts.uid !== undefined && starts.gid !== undefined) break;
    const document = files.pieces(tarSplit);
    if (document) await lookAt(document, folder, files.root, starts, context);
  }
  return { uids: rangeFrom(starts.uid), gids: rangeFrom(starts.gid) };
}

async function lookAt(
  document: AsyncIterable<Uint8Array>,
  folder: string,
  root: number,
  starts: Starts,
  context: OpenContext,
): Promise<void> {
  const tree = new FolderTree(root, 'none');
  let header: Buffer | undefined;
  try {
    await readTarSplit(document, context, (item) => {
      if (item.kind === 'segment') header = Buffer.from(item.bytes.subarray(-BLOCK));
      else if (header?.length === BLOCK && isUstar(header, 0)) compare(header, item.name, folder, tree, starts);
      return undefined;
    });
  } catch (failure) {
    // A layer that is damaged says so when it is read.
    if (!(failure instanceof DimgxError) || failure.code === 'DIMGX_ABORTED') throw failure;
  } finally {
    tree.close();
  }
}

function compare(header: Buffer, name: Buffer, folder: string, tree: FolderTree, starts: Starts): void {
  const uid = parseNumber(header, FIELD.uid.offset, FIELD.uid.length, 'uid');
  const gid = parseNumber(header, FIELD.gid.offset, FIELD.gid.length, 'gid');
  const isNew = (uid > 0 && starts.uid === undefined) || (gid > 0 && starts.gid === undefined);
  const stats = isNew ? statsAt(tree, `${folder}/${name.toString('latin1').replace(/\/+$/, '')}`) : undefined;
  if (!stats) return;
  if (uid > 0) starts.uid ??= startOf(uid, Number(stats.uid));
  if (gid > 0) starts.gid ??= startOf(gid, Number(stats.gid));
}

/** ID 1 of the container is the first subordinate one. */
function startOf(inside: number, onDisk: number): number | undefined {
  return onDisk > inside ? onDisk - inside + 1 : undefined;
}

/** @param path one character, one byte @returns `undefined` if there is nothing */
function statsAt(tree: FolderTree, path: string) {
  try {
    const parent = new OpenFolder(tree.openFolder(Buffer.from(dirname(path), 'latin1')));
    try {
      return parent.stats(path.slice(path.lastIndexOf('/') + 1));
    } finally {
      parent.close();
    }
  } catch (failure) {
    if (isSystemError(failure) || failure instanceof DimgxError) return undefined;
    throw failure;
  }
}

function rangeFrom(start: number | undefined): readonly IdRange[] {
  return start === undefined ? [] : shiftedBy(start).map((range) => ({ ...range, container: 1, size: range.size - 1 }));
}
