import { type Source, twoImages } from './source.js';

/** The images of registries, read without an engine. */
export const registrySource = {
  usages: ['docker://NAME'],
  async locate({ operand: name }, context) {
    return {
      async open({ reference, platform, options }) {
        if (options.image !== undefined) throw twoImages(name, options.image);
        const { openRegistryImage } = await import('./docker-registry.js');
        return openRegistryImage({ reference, name, platform, options }, context);
      },
      async list(options) {
        const { listRegistryImages } = await import('./docker-registry.js');
        return listRegistryImages(name, options, context);
      },
    };
  },
} as const satisfies Source;
