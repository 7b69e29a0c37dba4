import type { Appender } from '../../../base/io/appender.js';
import type { Warn } from '../../../errors.js';
import type { OpenContext } from '../../../image/image.js';
import type { RebuiltLayer } from '../rebuild/rebuild-layer.js';
import type { FolderLayerPlace } from '../store.js';
import { folderLayer } from './folder-layer.js';
import { FolderOddities } from './folder-oddities.js';
import { IdMap } from './id-map.js';
import { LayerFolder } from './layer-folder.js';
import { OverlayStack } from './overlay-stack.js';
import { xattrReader } from './xattrs.js';

/**
 * Describes the changes of a container as a layer. Headers are appended to a spool; the files are read later, by paths
 * below the folder of the store.
 *
 * @param store descriptor of the folder of the store
 * @param name the name of the layer, for warnings
 * @throws as `folderLayer`; DIMGX_SOURCE_UNSUPPORTED if nothing can read extended attributes
 */
export async function describeFolder(
  store: number,
  place: FolderLayerPlace,
  spool: Appender,
  name: string,
  warn: Warn,
  { limits, signal }: OpenContext,
): Promise<RebuiltLayer> {
  const readXattrs = await xattrReader();
  const layers: LayerFolder[] = [];
  const uids = new IdMap(place.owners.map((maps) => maps.uids));
  const gids = new IdMap(place.owners.map((maps) => maps.gids));
  const oddities = new FolderOddities();
  try {
    for (const each of [place, ...place.below]) layers.push(new LayerFolder(store, each, readXattrs));
    const isWhole = place.form === 'tree';
    const described = await folderLayer(new OverlayStack(layers), spool, {
      ...{ uids, gids, isWhole, isLive: place.isLive, oddities, limits, signal },
    });
    if (place.isUnpacked) oddities.forget('unmarked');
    oddities.tell(name, warn);
    const stranger = uids.stranger ?? gids.stranger;
    if (stranger !== undefined) {
      const message = `layer ${name}: the ID ${stranger} on the disk is none of the container's user namespace, and is kept`;
      warn({ code: 'DIMGX_CONTAINER_OWNER', message, count: 1 });
    }
    return described;
  } finally {
    for (const layer of layers) layer.close();
  }
}
