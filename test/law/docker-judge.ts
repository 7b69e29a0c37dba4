import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuiltImage, imageIdOf } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import type { DockerClient } from '../helpers/docker-client.js';
import { archiveOf } from '../helpers/members.js';
import { listImage } from '../helpers/overlay-mount.js';
import { rawLayer } from '../helpers/raw-layer.js';
import type { Shown } from './judged.js';
import type { Stack } from './random-stack.js';

/**
 * What Docker Engine shows of each stack: all are loaded as images of one archive, and mounted as the engine would.
 *
 * @param folder a temporary folder
 */
export async function shownByDocker(stacks: readonly Stack[], docker: DockerClient, folder: string): Promise<Shown[]> {
  const images = stacks.map((stack) => ({ layers: stack.map((layer) => rawLayer(layer)) }));
  if (images.length > 1 && (await refusalOf(images, docker, folder)) !== undefined) {
    // one that is refused keeps the others from being loaded
    const shown: Shown[] = [];
    for (const stack of stacks) shown.push(...(await shownByDocker([stack], docker, folder)));
    return shown;
  }
  const [only] = images;
  const refusal = images.length === 1 ? await refusalOf([only as BuiltImage], docker, folder) : undefined;
  if (refusal !== undefined) return [{ refusal }];
  const shown: Shown[] = [];
  const ids = images.map((image) => `sha256:${imageIdOf(image)}`);
  for (const id of ids) shown.push({ tree: await listImage(docker, id, folder) });
  await docker.run('rmi', '--force', ...new Set(ids));
  return shown;
}

async function refusalOf(
  images: readonly BuiltImage[],
  docker: DockerClient,
  folder: string,
): Promise<string | undefined> {
  const archive = join(folder, 'images.tar');
  await writeFile(archive, await archiveOf(dockerArchive(images)));
  try {
    await docker.run('load', '--quiet', '--input', archive);
    return undefined;
  } catch (failure) {
    return (failure as Error).message;
  }
}
