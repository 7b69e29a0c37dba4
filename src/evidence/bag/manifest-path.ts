import type { ByteName } from '../../base/io/open-folder.js';
import { MAX_PATH } from '../../tar/path.js';
import type { BagVersion } from './declaration.js';

/** Name of the folder of a bag that has its payload. */
export const PAYLOAD = 'data';

/** A path as a manifest has it. Source: RFC 8493, 2.1.3. */
export function encodePath(path: string): string {
  return path.replace(/[%\r\n]/g, (character) => (character === '%' ? '%25' : character === '\r' ? '%0D' : '%0A'));
}

const DECODED: Readonly<Record<string, string>> = { '%25': '%', '%0D': '\r', '%0A': '\n' };

/** The path that a manifest means. Before version 1.0 a percent sign stood for itself. */
export function decodePath(text: ByteName, version: BagVersion): ByteName {
  const coded = version === '1.0' ? /%(?:25|0D|0A)/gi : /%0[DA]/gi;
  return text.replace(coded, (triplet) => DECODED[triplet.toUpperCase()] as string);
}

/**
 * Why a manifest may not list a path, to follow the path; `undefined` if it may. A path that fits can still lead to a
 * file that is not in the bag, if a folder on the way is a symlink.
 *
 * @param isPayload whether it stands in a payload manifest
 */
export function pathFlaw(path: ByteName, isPayload: boolean): string | undefined {
  if (path.length > MAX_PATH) return `is longer than ${MAX_PATH} bytes`;
  if (path.includes('\0')) return 'has a NUL byte';
  if (path.startsWith('/')) return 'is absolute';
  const names = path.split('/');
  if (names.includes('..')) return 'leads out of its folder';
  if (names.some((name) => name === '' || name === '.')) return 'has an empty name or a dot between slashes';
  if (isPayload) return names[0] === PAYLOAD && names.length > 1 ? undefined : `is not below ${PAYLOAD}/`;
  return names[0]?.toLowerCase() === PAYLOAD ? `is in a tag manifest, but below ${PAYLOAD}/` : undefined;
}
