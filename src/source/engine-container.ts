import { printable, quoted, shortId } from '../base/text/printable.js';
import type { Engine } from '../engine/engine.js';
import { inputWarner } from '../errors.js';
import type { Container } from '../image/container.js';
import { historyRows } from '../image/history.js';
import { type OpenContext, type OpenedImage, openedImage } from '../image/image.js';
import type { Layer, StoredLayer } from '../image/layer.js';
import { inStorage } from './engine-storage.js';
import { ArchiveSpool } from './files/archive-spool.js';
import type { OpenRequest } from './source.js';
import type { Transport } from './sources.js';

const TRANSPORT: Transport = 'docker-daemon';

/**
 * Opens a container of a running engine: from the engine's storage if this process can read it, else as the one layer
 * that the engine exports, once it is fetched.
 *
 * @param name its name, its ID, or the start of it
 * @returns `undefined` if the engine has no such container
 * @throws DIMGX_ENGINE_*, DIMGX_ABORTED, and what opening a container in a storage throws
 */
export async function openEngineContainer(
  name: string,
  request: OpenRequest,
  context: OpenContext,
): Promise<OpenedImage | undefined> {
  const { options } = request;
  const { openEngine } = await import('../engine/open-engine.js');
  const engine = await openEngine({ host: options.host, signal: context.signal });
  context.resources.adopt(() => engine.close());
  const container = await engine.container(name);
  if (!container) return undefined;
  const source = { transport: TRANSPORT, location: engine.location };
  const stored = await inStorage(engine, context.signal, async (folder) => {
    const { containerInStore } = await import('./disk/container-in-store.js');
    const image = await containerInStore(folder, container.id, request, context);
    options.onInfo?.(`the container is read from ${printable(folder, 300)}, the engine's storage`);
    return Object.freeze({ ...openedImage(image), source });
  });
  if (typeof stored === 'object') return stored;
  options.onInfo?.(`the engine exports the container: ${stored ?? 'it is not on this machine'}`);
  return exportedContainer(engine, container, request, context);
}

function exportedContainer(
  engine: Engine,
  container: Container,
  { reference, options }: OpenRequest,
  context: OpenContext,
): OpenedImage {
  const { id, names, created, imageId } = container;
  const shown = names[0] ?? shortId(id);
  const history = { ...(created && { created }), createdBy: `export of the container ${shown}` };
  const layer: Layer = Object.freeze({ name: shortId(id), containerId: id, tags: [], history });
  let spooled: Promise<StoredLayer> | undefined;
  const warn = inputWarner(options);
  const fetch = async () => {
    warn(lossy(shown));
    const spool = await ArchiveSpool.open(context, { location: `${engine.location} ${shortId(id)}` });
    await (await engine.export(id)).forEachPiece((piece) => spool.append(piece));
    await spool.flush();
    return { ...layer, blob: spool.region, compression: 'none' } as const;
  };
  return Object.freeze({
    reference,
    source: { transport: TRANSPORT, location: engine.location },
    id: imageId ?? '',
    tags: Object.freeze([]),
    config: Object.freeze({ document: {} }),
    container: Object.freeze(container),
    layers: Object.freeze([layer]),
    history: Object.freeze(historyRows([layer], [])),
    fetch: async (wanted) => {
      if (wanted.length > 0) spooled ??= fetch();
      const stored = await spooled;
      return wanted.map(() => stored as StoredLayer);
    },
    resources: context.resources,
    close: () => context.resources.close(),
    [Symbol.asyncDispose]: () => context.resources.close(),
  } satisfies OpenedImage);
}

function lossy(name: string) {
  const message = `the engine exports the container ${quoted(printable(name))} without extended attributes of users, without what its user namespace has no owner for, and files called .wh.* are left out: run dimgx as root where the engine runs`;
  return { code: 'DIMGX_CONTAINER_EXPORTED', message, count: 1 } as const;
}
