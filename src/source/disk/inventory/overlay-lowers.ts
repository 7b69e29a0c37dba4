import { quoted } from '../../../base/text/printable.js';
import { DimgxError } from '../../../errors.js';
import type { StoreFiles } from '../store-files.js';
import type { Inventory } from './inventory.js';

/** Source: Linux, fs/overlayfs/params.c, OVL_MAX_STACK. */
const MOST_LOWERS = 500;

/**
 * The folders below one of overlayfs, as its own document `lower` names them. It has short names, `l/LINK`, which are
 * symlinks: they are read as text, and never followed. Source: moby, overlay2/overlay.go; containers/storage, overlay.go.
 *
 * @returns their names, newest first
 * @throws DIMGX_STORE_DAMAGED if one is missing or malformed
 */
export function lowersOf(files: StoreFiles, inventory: Inventory, id: string): readonly string[] {
  const { parent } = inventory.folders;
  const path = `${parent}/${id}/lower`;
  const text =
    files
      .read(path, 64 * 1024)
      ?.toString()
      .trim() ?? '';
  const links = text === '' ? [] : text.split(':');
  if (links.length > MOST_LOWERS) throw damaged(`${quoted(path)} names more layers than overlayfs takes`);
  const lowers = links.map((link) => {
    const name = /^l\/([A-Z0-9]{1,40})$/.exec(link)?.[1];
    if (name === undefined) throw damaged(`${quoted(path)} names a malformed layer: ${quoted(link)}`);
    return { link, lower: linkedFolder(files, inventory, name) };
  });
  const missing = lowers.filter(({ lower }) => lower === undefined || !files.hasFolder(`${parent}/${lower}/diff`));
  if (missing.length > 0) {
    const names = missing.slice(0, 5).map(({ link, lower }) => quoted(lower ?? link));
    const more = missing.length > names.length ? `, and ${missing.length - names.length} more` : '';
    throw damaged(`the layer ${quoted(id)} lies on folders that are missing: ${names.join(', ')}${more}`);
  }
  const names = new Set([id, ...lowers.map(({ lower }) => lower as string)]);
  if (names.size <= lowers.length) throw damaged(`${quoted(path)} names a layer twice`);
  return [...names].slice(1);
}

/**
 * The folder that a short name stands for.
 *
 * @returns its name; `undefined` if the link is missing or malformed
 */
export function linkedFolder(
  files: StoreFiles,
  { folders, isFolderName }: Inventory,
  link: string,
): string | undefined {
  const target = files.target(`${folders.parent}/l/${link}`) ?? '';
  const name = /^\.\.\/([0-9a-z]+(?:-init)?)\/diff$/.exec(target)?.[1];
  return name !== undefined && isFolderName(name) ? name : undefined;
}

function damaged(what: string): DimgxError {
  return new DimgxError('DIMGX_STORE_DAMAGED', `the engine's storage is damaged: ${what}`);
}
