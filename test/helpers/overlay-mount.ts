import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerClient } from './docker-client.js';
import { runCommand } from './run-command.js';
import { listTree, type Tree } from './tree.js';

/**
 * The tree that a container of the image would see: its unpacked layers under one overlay, mounted as the engine itself
 * does it. `docker export` is not used, because it adds `.dockerenv`, `etc/mtab` and more.
 *
 * @param folder a temporary folder; what is created there is removed again
 */
export async function listImage(docker: DockerClient, image: string, folder: string): Promise<Tree> {
  return listOverlay(await docker.layerFolders(image), folder);
}

/**
 * The kernel's view of folders under one overlay.
 *
 * @param layers oldest first
 * @param folder a temporary folder; what is created there is removed again
 * @param options of the mount, in addition
 */
export async function listOverlay(
  layers: readonly string[],
  folder: string,
  options: readonly string[] = [],
): Promise<Tree> {
  const mountPoint = join(folder, 'mounted');
  const empty = join(folder, 'empty'); // overlayfs requires at least two folders
  await mkdir(mountPoint);
  await mkdir(empty);
  const lower = [empty, ...layers].reverse().join(':');
  await runCommand('mount', [
    '-t',
    'overlay',
    'overlay',
    '-o',
    ['ro', `lowerdir=${lower}`, ...options].join(','),
    mountPoint,
  ]);
  try {
    return await listTree(mountPoint);
  } finally {
    await runCommand('umount', [mountPoint]);
    await rm(mountPoint, { recursive: true });
    await rm(empty, { recursive: true });
  }
}

/** Makes changes in an overlay, as a container does: what the kernel keeps of them is then in the newest folder. */
export async function changeOverlay(
  { below, changes, folder }: { readonly below: readonly string[]; readonly changes: string; readonly folder: string },
  options: readonly string[],
  change: (root: string) => Promise<void>,
): Promise<void> {
  // overlayfs wants it in the same mount as the changes
  const [mountPoint, work] = [join(folder, 'changing'), `${changes}-work`];
  await mkdir(mountPoint);
  await mkdir(work);
  const lower = below.toReversed().join(':');
  const all = [`lowerdir=${lower}`, `upperdir=${changes}`, `workdir=${work}`, ...options].join(',');
  await runCommand('mount', ['-t', 'overlay', 'overlay', '-o', all, mountPoint]);
  try {
    await change(mountPoint);
  } finally {
    await runCommand('umount', [mountPoint]);
    await rm(work, { recursive: true });
  }
}
