import { printable, quoted } from '../../base/text/printable.js';
import { type Image, openedImage } from '../../image/image.js';
import type { OpenOptions } from '../../options.js';
import { OPTION_TABLE } from '../options/option-table.js';
import { DOWNLOAD_OPTIONS, registrySettings } from '../options/registry-settings.js';
import { usageError } from '../options/usage-error.js';
import { formatJson } from '../output/format-json.js';
import { defineCommand } from './command.js';

const { platform } = OPTION_TABLE;
const OPTIONS = 'Options:';

export const command = defineCommand({
  usage: '[options] IMAGE...',
  describe:
    'Downloads images from their registries into the cache, and prints the digest of each manifest. Later runs flatten them from there, also with --offline.',
  examples: [
    ['dimgx pull debian:12 alpine:3.20', 'download two images'],
    ['dimgx pull --all-tags ghcr.io/owner/name', 'download every tag of a repository'],
  ],
  options: {
    'all-tags': { type: 'boolean', alias: 'a', group: OPTIONS, describe: 'pull every tag of the repositories named' },
    json: { ...OPTION_TABLE.json, group: OPTIONS, describe: 'print a JSON document for each image' },
    platform: { ...platform, group: OPTIONS },
    quiet: { type: 'boolean', alias: 'q', group: OPTIONS, describe: 'show no progress' },
    ...DOWNLOAD_OPTIONS,
  },
  async run({ json, platform, quiet, 'all-tags': allTags, ...given }, operands, { log, bar, signal, print }) {
    if (operands.length === 0) throw usageError('pull wants an image');
    const warn = log.warning.bind(log);
    const settings = registrySettings(given);
    const names = operands.map((name) => name.replace(/^docker:\/\//, ''));
    const images = allTags ? await everyTag(names, { ...settings, warn, signal }) : names;
    const options: OpenOptions = {
      ...settings,
      ...(platform !== undefined && { platform }),
      signal,
      onWarning: warn,
      onInfo: (message) => log.write('info', message),
      ...(bar && !quiet && { onProgress: (progress) => bar.update(progress) }),
    };
    for (const name of images) {
      const text = await pull(name, options, json === true);
      bar?.clear();
      await print(text);
    }
  },
});

/** @returns what to print for the image */
async function pull(name: string, options: OpenOptions, json: boolean): Promise<string> {
  const { openImage } = await import('../../source/resolve.js');
  const image = await openImage(`docker://${name}`, options);
  try {
    await openedImage(image).fetch(image.layers.toReversed());
    return json ? formatJson(pulledJson(image)) : `${image.manifestDigest}\n`;
  } finally {
    await image.close();
  }
}

type ListOptions = Parameters<typeof import('../../registry/list-names.js').listTags>[1];

async function everyTag(names: readonly string[], options: ListOptions): Promise<readonly string[]> {
  const { listTags } = await import('../../registry/list-names.js');
  const images: string[] = [];
  for (const name of names) {
    if (/@|:[^/]*$/.test(name))
      throw usageError(`--all-tags wants repositories, not ${quoted(name)}, which names one image`);
    for (const tag of await listTags(name, options)) images.push(`${name}:${tag}`);
  }
  return images;
}

/** Later versions may add keys but remove none. */
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
