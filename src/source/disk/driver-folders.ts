import type { FolderForm } from './folder/folder-form.js';
import type { StoreFiles } from './store-files.js';

/** Where a storage driver keeps the folders of layers. */
export interface DriverFolders {
  /** The folder that all are in, below that of the storage. */
  readonly parent: string;
  /** What follows the name of a folder on the way to its files: `/diff`, or nothing. */
  readonly suffix: string;
  /** As root's engine writes it. */
  readonly form: FolderForm;
}

type Drivers = Readonly<Record<string, DriverFolders>>;

/** Source: moby, daemon/graphdriver. */
const DOCKER: Drivers = {
  overlay2: { parent: 'overlay2', suffix: '/diff', form: 'overlay' },
  'fuse-overlayfs': { parent: 'fuse-overlayfs', suffix: '/diff', form: 'fuse-overlay' },
  vfs: { parent: 'vfs/dir', suffix: '', form: 'tree' },
  btrfs: { parent: 'btrfs/subvolumes', suffix: '', form: 'tree' },
};

/** Source: containers/storage, drivers/. */
const STORAGE: Drivers = {
  overlay: { parent: 'overlay', suffix: '/diff', form: 'overlay' },
  vfs: { parent: 'vfs/dir', suffix: '', form: 'tree' },
};

/** The drivers of Docker that dimgx reads. */
export const DOCKER_DRIVERS: readonly string[] = Object.keys(DOCKER);

/** @returns `undefined` for a driver that dimgx does not read */
export function dockerFolders(driver: string): DriverFolders | undefined {
  return Object.hasOwn(DOCKER, driver) ? DOCKER[driver] : undefined;
}

/** Whether a driver of Docker has folders of layers. @param top the folder of the daemon, as in `DriverStore` */
export function hasDockerFolders(files: StoreFiles, top: string, driver: string): boolean {
  const folders = dockerFolders(driver);
  return folders !== undefined && files.hasFolder(`${top}${folders.parent}`);
}

/** @returns `undefined` for a driver that dimgx does not read */
export function storageFolders(driver: string): DriverFolders | undefined {
  return Object.hasOwn(STORAGE, driver) ? STORAGE[driver] : undefined;
}

/** The path of the files of a layer. @param name of its folder */
export function filesOf({ parent, suffix }: DriverFolders, name: string): string {
  return `${parent}/${name}${suffix}`;
}
