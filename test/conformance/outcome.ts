import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DimgxError, type WarningCode } from '#dimgx/errors.js';
import { flatten } from '#dimgx/flatten.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { archiveOf } from '../helpers/members.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { treeOfTar } from '../helpers/read-tar.js';
import type { Case, OfLayers } from './case.js';
import { shownTree } from './shown-tree.js';

/** What came of a case. */
export type Outcome =
  | { readonly tree: readonly string[]; readonly warnings: readonly WarningCode[] }
  | { readonly refused: string };

/** What the case says should come of it. */
export function expectedOf(example: Case): Outcome {
  if ('refused' in example) return { refused: example.refused };
  return { tree: example.tree, warnings: example.warnings ?? [] };
}

/** The archive that holds the image of a case: of layers alone such as `docker save` writes. */
export async function archiveOfCase(example: Case): Promise<Uint8Array> {
  if ('layers' in example) return archiveOf(dockerArchive([{ layers: layersOf(example) }]));
  const archive = await archiveOf(example.archive);
  return example.stored?.(archive) ?? archive;
}

export function layersOf({ layers }: OfLayers): readonly Uint8Array[] {
  return layers.map((layer) => (layer instanceof Uint8Array ? layer : rawLayer(layer)));
}

/** Flattens the image of a case from archive to file, as users do. */
export async function outcomeOf(example: Case): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'dimgx-conformance-'));
  try {
    const [image, target] = [join(folder, 'image.tar'), join(folder, 'flat.tar')];
    await writeFile(image, await archiveOfCase(example));
    const { warnings } = await flatten(image, target, { platform: 'linux/amd64', ...optionsOf(example) });
    const expected = 'tree' in example ? example.tree : [];
    const tree = shownTree(treeOfTar(await readFile(target)), expected);
    return { tree, warnings: warnings.map(({ code }) => code) };
  } catch (error) {
    if (error instanceof DimgxError) return { refused: error.code };
    throw error;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function optionsOf(example: Case) {
  if ('archive' in example) return example.options ?? {};
  const layers = example.select?.map((number) => `@${number + 1}`);
  return layers ? { layers, reverse: true } : {};
}
