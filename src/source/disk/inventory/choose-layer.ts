import { chooseOne } from '../choose-one.js';
import type { StoreFiles } from '../store-files.js';
import { type Inventory, type LayerRecord, recordsById } from './inventory.js';

/** What a selector of a layer begins with. */
export const LAYER = 'layer/';

/** A layer of a storage, with or without a record. */
export interface FoundFolder {
  readonly inventory: Inventory;
  /** The name of its folder. */
  readonly id: string;
  readonly record: LayerRecord | undefined;
}

/**
 * Chooses a layer by the name of its folder, its chain ID, its diff ID or its container's ID, or by the start of one.
 * What is prepared for a container is only chosen by a name that ends in `-init`.
 *
 * @returns `undefined` if there is none
 * @throws DIMGX_SOURCE_AMBIGUOUS, DIMGX_SOURCE_UNREADABLE
 */
export function chooseLayer(
  files: StoreFiles,
  inventories: readonly Inventory[],
  wanted: string,
): FoundFolder | undefined {
  const hex = wanted.replace(/^sha256:/, '');
  const [, start = hex, init = ''] = /^(.*?)(-init)?$/s.exec(hex) ?? [];
  if (start === '') return undefined;
  // The start of a number is another number.
  const startsAs = (id: string) => id.startsWith(start) && id.endsWith('-init') === (init !== '');
  const readings = [
    ({ inventory, id, record }: FoundFolder) =>
      [id, `${inventory.prefix}${id}`, ...(record?.aliases ?? [])].includes(hex),
    ({ inventory, id, record }: FoundFolder) =>
      [...(inventory.prefix === '' ? [id] : []), ...(record?.aliases ?? [])].some(startsAs),
  ];
  const all = inventories.flatMap((inventory) => foldersOf(files, inventory));
  return chooseOne(all, readings, wanted, 'layers');
}

/** All folders that are there, or have a record. */
export function foldersOf(files: StoreFiles, inventory: Inventory): readonly FoundFolder[] {
  const byId = recordsById(inventory.records);
  const names = files.names(inventory.folders.parent).filter((name) => inventory.isFolderName(name));
  return [...new Set([...byId.keys(), ...names])].map((id) => ({ inventory, id, record: byId.get(id) }));
}
