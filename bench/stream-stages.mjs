import { expectedTree } from './check-tree.mjs';
import { Contenders } from './contenders.mjs';
import { plainEntry, withParents } from './entry.mjs';
import { expectedLargeTree, largeLayers, writeLargeImage } from './large-image.mjs';
import { POOL_SIZE } from './pool.mjs';
import { Random } from './random.mjs';
import { outputOf, quote } from './shell.mjs';
import { writeImage } from './write-image.mjs';

/** @typedef {import('./stages.mjs').Stage} Stage */

/** 24 GB, and temporary files in 64 MB: a mount of the command's own, which ends with it. @type {Stage} */
export async function largeImage({ folder, quick }) {
  const unshare = process.getuid?.() === 0 ? 'unshare --mount' : 'unshare --map-root-user --mount';
  const room = `${folder}/room`;
  const mount = 'mount -t tmpfs -o size=64m tmpfs "$0" && exec "$@"';
  const inRoom = `${unshare} bash -euc ${quote(mount)} ${quote(room)} `;
  const canMount = await outputOf(`mkdir ${quote(room)} && ${inRoom} true`).catch(() => undefined);
  if (canMount === undefined) return {};
  const layers = largeLayers(quick);
  const image = await writeLargeImage(folder, layers);
  const make = new Contenders(room, inRoom);
  return {
    inflate: { ...make.inflate(image), slow: true },
    large: {
      ...make.flatten(image, () => expectedLargeTree(layers), { reference: `oci:${image.layout}` }),
      title: `dimgx oci:…, 64 MB for temporary files`,
      slow: true,
    },
  };
}

/** 127 layers that have to be read side by side: each has a file in each folder. @type {Stage} */
export async function sideBySide({ folder, quick, has, wants }) {
  const random = new Random(127);
  const folders = quick ? 20 : 200;
  const layers = Array.from({ length: 127 }, (_, layer) => {
    const files = Array.from({ length: folders }, (__, index) => {
      const size = 20_000 + random.below(40_000);
      const path = `usr/share/package-${index}/a-file-of-layer-${layer}`;
      return { ...plainEntry(path, 'file'), size, start: random.below(POOL_SIZE - size) };
    });
    return withParents(files);
  });
  const isZstd = has('zstd') && wants('zstd');
  const image = await writeImage(folder, layers, [...(wants('gzip') ? GZIP : []), ...(isZstd ? ZSTD : [])]);
  const make = new Contenders(folder);
  /** @param {string} layout */
  const flatten = (layout) => make.flatten(image, () => expectedTree(layers), { reference: `oci:${layout}` });
  const { gzipLayout, zstdLayout } = image.also;
  return {
    ...(gzipLayout && { gzip: { ...flatten(gzipLayout), slow: true } }),
    ...(zstdLayout && { zstd: { ...flatten(zstdLayout), slow: true } }),
  };
}

const GZIP = /** @type {const} */ (['gzipLayout']);
const ZSTD = /** @type {const} */ (['zstdLayout']);
