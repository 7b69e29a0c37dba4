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
 */
export async function listOverlay(layers: readonly string[], folder: string): Promise<Tree> {
  const mountPoint = join(folder, 'mounted');
  const empty = join(folder, 'empty'); // overlayfs requires at least two folders
  await mkdir(mountPoint);
  await mkdir(empty);
  const lower = [empty, ...layers].reverse().join(':');
  await runCommand('mount', ['-t', 'overlay', 'overlay', '-o', `ro,lowerdir=${lower}`, mountPoint]);
  try {
    return await listTree(mountPoint);
  } finally {
    await runCommand('umount', [mountPoint]);
    await rm(mountPoint, { recursive: true });
    await rm(empty, { recursive: true });
  }
}
