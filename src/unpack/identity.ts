import { type BigIntStats, lstatSync } from 'node:fs';
import type { ByteName } from '../base/io/open-folder.js';
import type { TargetFolder } from './target-folder.js';

/** What has a name now. Symlinks are not followed. @throws the operating system's error, but not for a missing name */
export function look(folder: TargetFolder, name: ByteName): BigIntStats | undefined {
  return lstatSync(folder.at(name), { bigint: true, throwIfNoEntry: false });
}

/** Tells apart all files and folders that exist at one time. */
export function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev.toString(36)}:${ino.toString(36)}`;
}
