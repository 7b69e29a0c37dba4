import type { OpenContext } from '../image/image.js';
import type { OpenOptions } from '../options.js';
import { type Listed, type Source, twoImages } from './source.js';

/** The images of a running engine. */
export const engineSource = {
  usages: ['docker-daemon:NAME'],
  async locate({ operand: name }, context) {
    return {
      async open({ reference, platform, options }) {
        if (options.image !== undefined) throw twoImages(name, options.image);
        const { openDaemonImage } = await import('./docker-daemon.js');
        const verify = options.verify ?? true;
        return openDaemonImage({ reference, name, platform, verify, options }, context);
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
