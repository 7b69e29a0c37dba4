import { readFileSync } from 'node:fs';
import { DimgxError } from '../../../errors.js';
import type { FolderPlace } from './layer-folder.js';

/** Number of the capability that shows attributes `trusted.*`. Source: capabilities(7), CAP_SYS_ADMIN. */
const SYS_ADMIN = 21n;

/**
 * Whether this process sees attributes `trusted.*`. Without the privilege, the system says that there are none: nothing
 * would tell that a mark is missing. Source: xattr(7), user_namespaces(7).
 */
function seesTrustedXattrs(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status'))?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> SYS_ADMIN) & 1n) === 1n && !isInUserNamespace();
}

/**
 * The error for folders with marks that this process would not see.
 *
 * @param what cannot be read, printable: completes the message
 * @returns `undefined` if it sees all of them
 */
export function unseenMarks(places: readonly FolderPlace[], what: string): DimgxError | undefined {
  if (!places.some(({ form }) => form === 'overlay') || seesTrustedXattrs()) return undefined;
  const message = `${what} cannot be read exactly without the privilege to see attributes trusted.*: run dimgx as root, outside of user namespaces`;
  return new DimgxError('DIMGX_SOURCE_UNREADABLE', message);
}

/** Whether this process has other user IDs than the first user namespace. */
export function isInUserNamespace(): boolean {
  return !/^\s*0\s+0\s+4294967295\s*$/.test(read('/proc/self/uid_map'));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
