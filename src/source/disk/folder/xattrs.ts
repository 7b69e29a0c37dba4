import type * as napi from '@napi-rs/xattr';
import type { ByteName, OpenFolder } from '../../../base/io/open-folder.js';
import { DimgxError } from '../../../errors.js';
import { xattrsByTar } from './tar-xattrs.js';

/** Extended attributes by their names, in the order of the file system. */
export type Xattrs = ReadonlyMap<string, Uint8Array>;

/** Reads the extended attributes of files in a folder. Files without any may be left out of the result. */
export type ReadXattrs = (folder: OpenFolder, names: readonly ByteName[]) => Promise<ReadonlyMap<ByteName, Xattrs>>;

/**
 * Node has no call for extended attributes. The package @napi-rs/xattr, which is optional, takes 3.5 µs for each call;
 * without it, GNU tar reads them, which reads the contents of the files, too.
 *
 * @returns throws DIMGX_SOURCE_UNSUPPORTED if neither is there; DIMGX_SOURCE_UNREADABLE
 */
export async function xattrReader(): Promise<ReadXattrs> {
  const calls = await import('@napi-rs/xattr').catch(() => undefined);
  return calls ? (folder, names) => readByCalls(calls, folder, names) : xattrsByTar;
}

async function readByCalls(calls: typeof napi, folder: OpenFolder, names: readonly ByteName[]) {
  const found = new Map<ByteName, Xattrs>();
  const others: ByteName[] = [];
  for (const name of names) {
    const xattrs = readOne(calls, folder, name);
    if (xattrs === undefined) others.push(name);
    else if (xattrs.size > 0) found.set(name, xattrs);
  }
  if (others.length === 0) return found;
  return new Map([...found, ...(await xattrsByTar(folder, others))]);
}

/** @returns `undefined` if the calls, which take UTF-8, cannot name the file or one of its attributes */
function readOne(calls: typeof napi, folder: OpenFolder, name: ByteName): Xattrs | undefined {
  if (isAscii(name)) return readPath(calls, `/proc/self/fd/${folder.fd}/${name}`);
  const text = Buffer.from(name, 'latin1').toString();
  if (Buffer.from(text).toString('latin1') === name) return readPath(calls, `/proc/self/fd/${folder.fd}/${text}`);
  if (!folder.stats(name).isDirectory()) return undefined;
  const inner = folder.open(name);
  try {
    return readPath(calls, `/proc/self/fd/${inner.fd}/.`);
  } finally {
    inner.close();
  }
}

function readPath(calls: typeof napi, path: string): Xattrs | undefined {
  const xattrs = new Map<string, Uint8Array>();
  try {
    for (const name of calls.listAttributesSync(path)) {
      const value = calls.getAttributeSync(path, name);
      if (value) xattrs.set(name, value);
    }
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'InvalidArg') return undefined;
    const message = cause instanceof Error ? cause.message : String(cause);
    // A file system may have none, and a file may vanish; whatever comes next finds that out.
    if (/\(os error (?:2|95)\)/.test(message)) return xattrs;
    throw new DimgxError('DIMGX_SOURCE_UNREADABLE', `extended attributes cannot be read: ${message}`, { cause });
  }
  return xattrs;
}

function isAscii(name: ByteName): boolean {
  return !/[\x80-\xff]/.test(name);
}
