import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { entriesOf, type Members } from './members.js';
import { runCommand } from './run-command.js';

/**
 * Unpacks the last tagged image of an OCI layout with umoci.
 *
 * @param folder for the layout and the tree
 * @returns the path of the tree
 */
export async function unpackByUmoci(layout: Members, folder: string): Promise<string> {
  const members = new Map(entriesOf(layout));
  for (const [name, member] of members) {
    await mkdir(dirname(join(folder, 'layout', name)), { recursive: true });
    await writeFile(join(folder, 'layout', name), member as string | Uint8Array);
  }
  const image = `${folder}/layout:${tagOf(members.get('index.json') as string)}`;
  await runCommand('umoci', ['raw', 'unpack', '--image', image, `${folder}/root`]);
  return `${folder}/root`;
}

function tagOf(index: string): string {
  const manifests: { annotations?: Record<string, string> }[] = JSON.parse(index).manifests;
  const tags = manifests.flatMap(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] ?? []);
  return tags.at(-1) ?? 'latest';
}
