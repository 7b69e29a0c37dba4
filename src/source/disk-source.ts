import type { OpenContext } from '../image/image.js';
import type { OpenOptions } from '../options.js';
import type { Listed, Place, Source } from './source.js';

/** Docker's storage on a disk, read without the engine. */
export const dockerRootSource = {
  usages: ['docker-root:DIR[:NAME]'],
  async locate({ operand, selector }, context) {
    const { dockerRootPlace } = await import('./disk/locate-store.js');
    return dockerRootPlace(operand, selector, context);
  },
} as const satisfies Source;

/** Containerd's storage on a disk, read without it. */
export const containerdRootSource = {
  usages: ['containerd-root:DIR[:NAME]'],
  async locate({ operand, selector }, context) {
    const { containerdRootPlace } = await import('./disk/locate-store.js');
    return containerdRootPlace(operand, selector, context);
  },
} as const satisfies Source;

/** Every storage in the usual places of a disk. */
export const hostRootSource = {
  usages: ['host-root:DIR[:NAME]'],
  async locate({ operand, selector }, context) {
    const { hostRootPlace } = await import('./disk/locate-store.js');
    return hostRootPlace(operand, selector, context);
  },
} as const satisfies Source;

/** The storage of Podman, Buildah and CRI-O on a disk, read without an engine. */
export const containersStorageSource = {
  usages: ['containers-storage:NAME'],
  locate: ({ operand }, context) => storagePlace(operand, context),
  async listAll(options: OpenOptions, context: OpenContext): Promise<Listed> {
    return (await storagePlace('', context)).list(options);
  },
} as const satisfies Source;

async function storagePlace(reference: string, context: OpenContext): Promise<Place> {
  const { containersStoragePlace } = await import('./disk/locate-store.js');
  return containersStoragePlace(reference, context);
}
