import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuiltImage, configOf, diffIdOf, imageIdOf, sha256 } from './built-image.js';
import { temporaryFolder } from './members.js';
import { type SplitLayer, splitLayer, splitText, writeSplitFiles } from './tar-split.js';

/** An image to write into an engine's storage. */
export interface StoredImageSpec extends Omit<BuiltImage, 'layers'> {
  readonly layers: readonly Buffer[];
}

/** An engine's storage in a folder that is removed when the test is over. */
export interface WrittenStore {
  readonly folder: string;
  /** The folder with the files of an image's layer. */
  layerFolder(image: StoredImageSpec, layer: number): string;
  /** The tar-split document of an image's layer. */
  tarSplit(image: StoredImageSpec, layer: number): string;
}

/** Where a driver of Docker keeps a layer. */
const DOCKER_FOLDERS: Readonly<Record<string, (id: string) => string>> = {
  overlay2: (id) => `overlay2/${id}/diff`,
  'fuse-overlayfs': (id) => `fuse-overlayfs/${id}/diff`,
  vfs: (id) => `vfs/dir/${id}`,
  btrfs: (id) => `btrfs/subvolumes/${id}`,
};

type Split = (layer: Buffer) => SplitLayer;

/** Writes Docker's storage, as the daemon leaves it. */
export async function dockerStore(
  images: readonly StoredImageSpec[],
  { driver = 'overlay2', top = '', into = '', split = splitLayer as Split } = {},
): Promise<WrittenStore> {
  const folder = into || (await temporaryFolder());
  const data = join(folder, top);
  const image = join(data, 'image', driver);
  const folderOf = (id: string) => join(data, (DOCKER_FOLDERS[driver] ?? ((name) => `${driver}/${name}`))(id));
  const repositories: Record<string, Record<string, string>> = {};
  mkdirSync(join(image, 'imagedb/content/sha256'), { recursive: true });
  for (const each of images) {
    const id = imageIdOf(each);
    writeFileSync(join(image, 'imagedb/content/sha256', id), configOf(each));
    for (const tag of each.tags ?? []) {
      const name = tag.replace(/[:@][^/]*$/, '');
      repositories[name] = { ...repositories[name], [tag]: `sha256:${id}` };
    }
    for (const [i, layer] of each.layers.entries()) {
      const chain = chainId(each, i);
      const record = join(image, 'layerdb/sha256', chain);
      const { lines, files } = split(layer);
      mkdirSync(record, { recursive: true });
      writeFileSync(join(record, 'diff'), diffIdOf(layer));
      if (i > 0) writeFileSync(join(record, 'parent'), `sha256:${chainId(each, i - 1)}`);
      writeFileSync(join(record, 'cache-id'), cacheId(chain));
      writeFileSync(join(record, 'size'), String([...files.values()].reduce((sum, { length }) => sum + length, 0)));
      writeFileSync(join(record, 'tar-split.json.gz'), gzipSync(splitText(lines)));
      writeSplitFiles(folderOf(cacheId(chain)), files);
    }
  }
  writeFileSync(join(image, 'repositories.json'), JSON.stringify({ Repositories: repositories }));
  return {
    folder,
    layerFolder: (each, i) => folderOf(cacheId(chainId(each, i))),
    tarSplit: (each, i) => join(image, 'layerdb/sha256', chainId(each, i), 'tar-split.json.gz'),
  };
}

/** Writes the storage of Podman and others, as they leave it. */
export async function containersStore(
  images: readonly StoredImageSpec[],
  { driver = 'overlay', split = splitLayer as Split } = {},
): Promise<WrittenStore> {
  const folder = await temporaryFolder();
  const layerId = (each: StoredImageSpec, i: number) => sha256(`layer ${chainId(each, i)}`);
  const folderOf = (id: string) => join(folder, driver === 'vfs' ? `vfs/dir/${id}` : `${driver}/${id}/diff`);
  const tarSplit = (each: StoredImageSpec, i: number) =>
    join(folder, `${driver}-layers/${layerId(each, i)}.tar-split.gz`);
  const layers = new Map<string, object>();
  for (const name of ['images', 'layers']) mkdirSync(join(folder, `${driver}-${name}`), { recursive: true });
  const records = images.map((each) => {
    const id = imageIdOf(each);
    const key = `sha256:${id}`;
    const place = join(folder, `${driver}-images`, id);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, `=${Buffer.from(key).toString('base64')}`), configOf(each));
    for (const [i, layer] of each.layers.entries()) {
      const { lines, files } = split(layer);
      writeFileSync(tarSplit(each, i), gzipSync(splitText(lines)));
      writeSplitFiles(folderOf(layerId(each, i)), files);
      layers.set(layerId(each, i), {
        id: layerId(each, i),
        ...(i > 0 && { parent: layerId(each, i - 1) }),
        'diff-digest': diffIdOf(layer),
        'diff-size': layer.length,
        flags: {},
      });
    }
    const top = each.layers.length - 1;
    return {
      id,
      digest: `sha256:${sha256(`manifest ${id}`)}`,
      names: each.tags ?? [],
      layer: layerId(each, top),
      'big-data-names': [key],
    };
  });
  writeFileSync(join(folder, `${driver}-images/images.json`), JSON.stringify(records));
  writeFileSync(join(folder, `${driver}-layers/layers.json`), JSON.stringify([...layers.values()]));
  return { folder, layerFolder: (each, i) => folderOf(layerId(each, i)), tarSplit };
}

/** Docker's ID of a layer with those below it, in hex. Source: OCI image-spec, config.md. */
export function chainId({ layers }: StoredImageSpec, top: number): string {
  const diffIds = layers.slice(0, top + 1).map(diffIdOf);
  const chain = diffIds.reduce((below, diffId) => `sha256:${sha256(`${below} ${diffId}`)}`);
  return chain.replace('sha256:', '');
}

function cacheId(chain: string): string {
  return createHash('sha256').update(`cache ${chain}`).digest('hex');
}
