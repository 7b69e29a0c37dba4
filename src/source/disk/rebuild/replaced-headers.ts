import type { TarEntry } from '../../../tar/entry.js';
import { TYPE } from '../../../tar/header.js';
import { isXattr, xattrName } from '../../../tar/portable-record.js';
import { encodeHeaders } from '../../../tar/write-header.js';

/** Headers of a sparse file as a plain one: with the size that includes its holes. */
export function plainHeaders({ name, mode, uid, gid, size, mtime, mtimeNanos, pax }: TarEntry): Buffer {
  return encodeHeaders({
    ...{ name, type: TYPE.file, mode, uid, gid, size },
    mtime: BigInt(mtime) * 1_000_000_000n + BigInt(mtimeNanos),
    xattrs: pax.filter(isXattr).map((record) => [xattrName(record) ?? '', record.value] as const),
  });
}

/** Headers of the whiteout of a name: no layer then shows anything by it. */
export function whiteoutHeaders(name: Uint8Array): Buffer {
  const text = Buffer.from(name).toString('latin1');
  const slash = text.lastIndexOf('/') + 1;
  return encodeHeaders({
    name: Buffer.from(`${text.slice(0, slash)}.wh.${text.slice(slash)}`, 'latin1'),
    ...{ type: TYPE.file, mode: 0, uid: 0, gid: 0, size: 0, mtime: 0n },
  });
}
