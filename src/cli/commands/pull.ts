import type { Image } from '../../image/image.js';
import { printable } from '../../image/printable.js';
import { defineCommand } from '../command.js';
import { formatJson } from '../format-json.js';
import { OPTION_TABLE } from '../option-table.js';
import { DOWNLOAD_OPTIONS, registrySettings } from '../registry-settings.js';
import { usageError } from '../usage-error.js';

const { platform } = OPTION_TABLE;

export const command = defineCommand({
  usage: '[options] IMAGE',
  describe:
    'Downloads an image from its registry into the cache, from which it is flattened the next time, with --offline as well.',
  options: {
    json: { ...OPTION_TABLE.json, group: 'Options:', describe: 'tell in JSON what was pulled' },
    platform: { ...platform, group: 'Options:' },
    ...DOWNLOAD_OPTIONS,
  },
  async run({ json, platform, ...given }, operands, { log, bar, signal, print }) {
    const [name, ...others] = operands;
    if (name === undefined || others.length > 0) throw usageError('pull wants one image');
    const { openImage } = await import('../../source/resolve.js');
    const image = await openImage(name.startsWith('docker://') ? name : `docker://${name}`, {
      ...registrySettings(given),
      ...(platform !== undefined && { platform }),
      signal,
      onWarning: (warning) => log.warning(warning),
      onInfo: (message) => log.write('info', message),
      ...(bar && { onProgress: (progress) => bar.update(progress) }),
    });
    try {
      await image.fetch(image.layers.toReversed());
      bar?.clear();
      await print(json ? formatJson(pulledJson(image)) : `${image.manifestDigest}\n`);
    } finally {
      await image.close();
    }
  },
});

/** Keys may be added by later versions; none is removed. */
function pulledJson({ reference, source, id, manifestDigest, tags, platform, layers }: Image) {
  return {
    reference,
    source,
    id,
    manifestDigest: manifestDigest ?? null,
    tags: tags.map((tag) => printable(tag)),
    platform: platform ?? null,
    layers: layers.map(({ digest, claimedSize }) => ({ digest: digest ?? null, size: claimedSize ?? null })),
  };
}
