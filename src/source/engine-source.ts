import { CONTAINER } from '../image/container.js';
import type { OpenContext } from '../image/image.js';
import type { OpenOptions } from '../options.js';
import { type Listed, type Source, twoImages } from './source.js';

/** The images and containers of a running engine. */
export const engineSource = {
  usages: ['docker-daemon:NAME'],
  async locate({ operand: name }, context) {
    return {
      async open(request) {
        const { reference, platform, options } = request;
        if (options.image !== undefined) throw twoImages(name, options.image);
        const wanted = name.startsWith(CONTAINER) ? name.slice(CONTAINER.length) : undefined;
        if (wanted !== undefined) {
          const { openEngineContainer } = await import('./engine-container.js');
          const container = await openEngineContainer(wanted, request, context);
          // Else an image may be called that.
          if (container) return container;
        }
        const { openDaemonImage } = await import('./docker-daemon.js');
        const verify = options.verify ?? true;
        return openDaemonImage(
          { reference, name, ...(wanted !== undefined && { container: wanted }), platform, verify, options },
          context,
        );
      },
      list: (options) => listEngine(name, options, context),
    };
  },
  listAll: (options, context) => listEngine(undefined, options, context),
} as const satisfies Source;

async function listEngine(name: string | undefined, options: OpenOptions, context: OpenContext): Promise<Listed> {
  const { listEngineImages } = await import('./list-engine-images.js');
  return listEngineImages(name, options, context);
}
