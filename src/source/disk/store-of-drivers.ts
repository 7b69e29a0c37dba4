import { DamagedLists } from './damaged-lists.js';
import type { Inventory } from './inventory/inventory.js';
import type { Store, StoreContainer, StoreImage } from './store.js';

/** What a storage driver has. Several may have been used one after another. */
interface DriverParts {
  readonly images: { images(): readonly StoreImage[] };
  readonly containers: { all(): readonly StoreContainer[] };
  /** @returns `undefined` for a driver that dimgx does not read */
  inventory(): Inventory | undefined;
}

/**
 * A store by the drivers that it was written with.
 *
 * @param find finds them, once; the damage is that of the lists that they read
 */
export function storeOfDrivers(transport: string, find: (damaged: DamagedLists) => readonly DriverParts[]): Store {
  const damaged = new DamagedLists();
  let known: readonly DriverParts[] | undefined;
  const drivers = () => {
    known ??= find(damaged);
    return known;
  };
  return {
    transport,
    damaged,
    images: () => drivers().flatMap(({ images }) => images.images()),
    containers: () => drivers().flatMap(({ containers }) => containers.all()),
    inventories: () => drivers().flatMap((driver) => driver.inventory() ?? []),
  };
}
