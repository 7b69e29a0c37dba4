import { printable, quoted } from '../../base/text/printable.js';
import { type Image, openedImage } from '../../image/image.js';
import type { OpenOptions } from '../../options.js';
import { flag } from '../options/option-row.js';
import { DOWNLOAD_OPTIONS, SOURCE_OPTIONS } from '../options/source-options.js';
import { usageError } from '../options/usage-error.js';
import { type CallOptions, defineCommand, type Result } from './command.js';
import { asRegistryCall, withoutScheme } from './registry.js';

const { platform } = SOURCE_OPTIONS;

export const pull = defineCommand({
  describe:
    'Downloads images from their registries into the cache, and prints the digest of each manifest. Later runs flatten them from there, also with --offline.',
  examples: [
    ['dimgx pull debian:12 alpine:3.20', 'download two images'],
    ['dimgx pull --all-tags ghcr.io/owner/name', 'download every tag of a repository'],
  ],
  operands: { name: 'IMAGE', count: 'some', wanted: 'needs an image' },
  options: {
    'all-tags': { ...flag, alias: 'a', describe: 'pull every tag of the repositories named' },
    platform,
    quiet: { ...flag, alias: 'q', describe: 'show no progress' },
    ...DOWNLOAD_OPTIONS,
  },
  json: 'print a JSON document for each image',
  async *run({ operands, given, library }) {
    const { onProgress, ...quietly } = library;
    const names = operands.map(withoutScheme);
    const images = given['all-tags'] ? await everyTag(names, quietly) : names;
    for (const name of images) yield await pullImage(name, given.quiet ? quietly : library);
  },
});

async function pullImage(name: string, options: OpenOptions): Promise<Result> {
  const { openImage } = await import('../../source/resolve.js');
  const image = await openImage(`docker://${name}`, options);
  try {
    await openedImage(image).fetch(image.layers.toReversed());
    return { text: () => `${image.manifestDigest}\n`, json: () => pulledJson(image) };
  } finally {
    await image.close();
  }
}

async function everyTag(names: readonly string[], options: CallOptions): Promise<readonly string[]> {
  const { listTags } = await import('../../registry/list-names.js');
  const images: string[] = [];
  for (const name of names) {
    if (/@|:[^/]*$/.test(name))
      throw usageError(`--all-tags takes repositories, not ${quoted(name)}, which names one image`);
    for (const tag of await listTags(name, asRegistryCall(options))) images.push(`${name}:${tag}`);
  }
  return images;
}

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
