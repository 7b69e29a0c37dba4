import { fstatSync } from 'node:fs';

/**
 * What to do about a part of an engine's storage that the system does not let this user read. In the storage of a user's
 * own engine, such a part belongs to a subordinate ID of that user.
 *
 * @param root descriptor of the folder of the storage, or of one that its engine made, if it is open
 */
export function deniedAdvice(root: number | undefined): string {
  const user = process.geteuid?.() ?? 0;
  const isOwn = root !== undefined && user !== 0 && fstatSync(root).uid === user;
  return isOwn ? 'run `podman unshare dimgx …`, or dimgx as root' : 'run dimgx as root, or as the user of the engine';
}
