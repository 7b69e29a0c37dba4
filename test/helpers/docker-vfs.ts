import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { DockerClient } from './docker-client.js';
import { listTree, type Tree } from './tree.js';

/**
 * The tree of an image that an engine with the vfs storage driver has loaded. The driver keeps a whole tree for each
 * layer.
 * Source: moby, image/spec/v1.2.md (chain ID), layer/filestore.go.
 *
 * @param data the engine's data folder
 */
export async function listVfsImage(docker: DockerClient, image: string, data: string): Promise<Tree> {
  const diffIds: string[] = JSON.parse(await docker.run('inspect', '--format', '{{json .RootFS.Layers}}', image)) ?? [];
  if (diffIds.length === 0) return new Map();
  const chainId = diffIds.reduce((below, diffId) => `sha256:${sha256(`${below} ${diffId}`)}`);
  const cacheId = await readFile(`${data}/image/vfs/layerdb/${chainId.replace(':', '/')}/cache-id`, 'utf8');
  return await listTree(`${data}/vfs/dir/${cacheId}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
