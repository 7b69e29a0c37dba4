import { buffer } from 'node:stream/consumers';
import { hiddenPlan } from '#dimgx/evidence/hidden-plan.js';
import { Versions } from '#dimgx/evidence/versions.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import { type FlattenLayersOptions, type LayerSpec, withLayers } from '../helpers/flatten-layers.js';

/** The tar of what layers come to, the tar of what they hide, and the paths of the present versions, as latin1. */
export function tarsOf(layers: readonly LayerSpec[], options: FlattenLayersOptions = {}) {
  return withLayers(layers, options, async (indexes) => {
    const { excludeDevices = false, paths } = options;
    const plan = mergeLayers(indexes, { explain: true, excludeDevices, ...(paths && { paths }) });
    const versions = new Versions(plan);
    const { tree } = versions.merged;
    return {
      flat: await buffer(extractLayers(plan)),
      hidden: await buffer(extractLayers(hiddenPlan(versions))),
      present: [...versions.present].map((node) => tree.path(node).toString('latin1')),
    };
  });
}
