import prettyBytes from 'pretty-bytes';
import { expect } from 'vitest';
import type { EngineTruth } from './engine-truth.js';

interface LayerJson {
  readonly id: string;
  readonly diffId: string;
  readonly position: number;
  readonly size: number;
  readonly tags: readonly string[];
}

const HEADINGS = ['REPO TAG', 'IMAGE ID', 'PARENT ID', 'CREATED', 'LAYER SIZE', 'VIRTUAL SIZE', 'CREATED BY'];

/**
 * Compares the table that dimgx prints for an image with `docker history`, `docker images -a` and `docker inspect`. It
 * compares every row and all columns except CREATED, which is relative to now.
 *
 * @param isPodman its image sizes include documents, and its histories contain IDs of any image with the same layers
 */
export function expectTable(table: string, truth: EngineTruth, isPodman: boolean): void {
  const { chain, steps, sizes } = truth;
  const [headings, ...rows] = table
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {3,}/));
  expect(headings).toEqual(HEADINGS);
  const ids = rowIds(truth);
  const expected = steps.map((step, i) => {
    const parent = ids.slice(i + 1).find((id) => id !== '') ?? '-';
    const virtual = steps.slice(i).reduce((sum, { Size }) => sum + Number(Size), 0);
    return [
      familiar(chain[i]?.RepoTags[0] ?? '-').replace(/:latest$/, ''),
      ids[i] || '<missing>',
      parent,
      rows[i]?.[3],
      prettyBytes(Number(step.Size)),
      isPodman || !chain[i] ? prettyBytes(virtual) : (sizes[i] ?? '').replace(/(?<=\d)(?=[kMG]?B)/, ' '),
      ...[step.CreatedBy.replace(/\s+/g, ' ').trim()].filter((text) => text !== ''),
    ];
  });
  expect(rows).toEqual(expected);
  const parents = chain.flatMap(({ Parent }) => (Parent === '' ? [] : [Parent.slice(-64).slice(0, 12)]));
  expect(rows.slice(0, parents.length).map((row) => row[2])).toEqual(parents);
  if (!isPodman) expect(steps.map(({ ID }) => ID)).toEqual(steps.map((_, i) => chain[i]?.Id ?? '<missing>'));
}

/** Compares the output of `--json` in the same way. */
export function expectJson(text: string, { chain, steps, layerIds }: EngineTruth): void {
  const document = JSON.parse(text);
  const [image] = chain;
  expect(document).toMatchObject({
    source: { transport: 'docker-daemon' },
    id: image?.Id.slice(-64),
    tags: image?.RepoTags.map(familiar),
    created: image?.Created,
    platform: { os: 'linux', architecture: 'amd64' },
  });
  const { Layers = [] } = image?.RootFS ?? {};
  const layers: readonly LayerJson[] = document.layers;
  expect(layers.map(({ diffId }) => diffId)).toEqual(Layers.toReversed());
  expect(layers.map(({ id }) => id)).toEqual(layerIds);
  const tagsOfLayers = steps.flatMap(({ madeLayer }, i) => (madeLayer ? [chain[i]?.RepoTags ?? []] : []));
  expect(layers.map(({ tags }) => tags)).toEqual(tagsOfLayers.map((tags) => tags.map(familiar)));
  expect(layers.map(({ position }) => position)).toEqual(Layers.map((_, i) => Layers.length - i));
  const rows: readonly { created: string; layer: number | null }[] = document.history;
  let below = Layers.length;
  expect(rows).toMatchObject(
    steps.map(({ CreatedBy, Comment, madeLayer }, i) => ({
      layer: madeLayer ? below-- : null,
      createdBy: CreatedBy || null,
      comment: Comment || null,
      imageId: chain[i]?.Id.slice(-64) ?? null,
    })),
  );
  const sizes = rows.map(({ layer }) => (layer === null ? 0 : layers.find(({ position }) => position === layer)?.size));
  expect(sizes).toEqual(steps.map(({ Size }) => Number(Size)));
  expect(rows.map(({ created }) => Date.parse(created))).toEqual(steps.map(({ CreatedAt }) => Date.parse(CreatedAt)));
}

/** For each row, newest first: the ID of the image, or of the layer that the step made, or nothing. */
function rowIds({ chain, steps, layerIds }: EngineTruth): readonly string[] {
  let made = 0;
  return steps.map(({ madeLayer }, i) => {
    const layerId = madeLayer ? layerIds[made++] : undefined;
    return (chain[i]?.Id.slice(-64) ?? layerId ?? '').slice(0, 12);
  });
}

/** Podman shows the full name of images without a registry. */
function familiar(name: string): string {
  return name.replace(/^(?:localhost|docker\.io)\//, '');
}
