import { OPTION_GROUPS, OPTION_TABLE } from '../options/option-table.js';
import { defineCommand } from './command.js';

/** What `dimgx IMAGE` does: list the layers, or with `--target` flatten them. */
export const defaultCommand = defineCommand({
  synopsis: '[options] [-l SPEC]... [-t PATH]',
  describe: 'Turns a container image into one flat root filesystem. Without a target, lists the layers of the image.',
  examples: [
    ['dimgx image.tar', 'list the layers'],
    ['dimgx -t rootfs.tar.gz oci:layout:3.20', 'flatten into a compressed tar'],
    ['docker save alpine | dimgx -t - - | tar x', 'flatten through pipes'],
    ['dimgx -l @1:@3 -t base.tar image.tar', 'flatten only the three oldest layers'],
    ['dimgx --tree-digest image.tar', 'print the digest of the tree, to compare images'],
    ['dimgx -t rootfs.tar docker-root:/mnt/store:alpine', "flatten from Docker's storage on a disk"],
  ],
  operands: { name: 'IMAGE', count: 'one', wanted: wantedImage, names: 'file' },
  options: OPTION_TABLE,
  groups: OPTION_GROUPS,
  json: OPTION_TABLE.json.describe,
  async *run({ operands: [reference], given: { target, quiet = false }, library, json, log }) {
    if (target !== undefined || library.hiddenTo !== undefined || library.records) {
      const { flattenImage } = await import('./flatten.js');
      yield* flattenImage(reference, target, library, log);
      return;
    }
    if (library.treeDigest) {
      const { digestImage } = await import('./flatten.js');
      yield* digestImage(reference, library, log);
      return;
    }
    const { listLayers } = await import('./list.js');
    // `columns` is 0 on a terminal that does not know its width, and `undefined` where there is no terminal.
    yield await listLayers(reference, { ...library, json, quiet, columns: process.stdout.columns || undefined });
  },
});

function wantedImage([image, ...others]: readonly string[]): string {
  if (image === undefined || image === '') return 'no image is named';
  return `only one image at a time, not also "${others.join('", "')}"`;
}
