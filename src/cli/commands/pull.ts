import { printable } from '../../index.js';
import { type ListTagsOptions, listTags, type PulledImage, pullImage } from '../../registry.js';
import { flag } from '../options/option-row.js';
import { DOWNLOAD_OPTIONS, SOURCE_OPTIONS } from '../options/source-options.js';
import { usageError } from '../options/usage-error.js';
import { defineCommand } from './command.js';

const { platform } = SOURCE_OPTIONS;

export const pull = defineCommand({
  describe:
    'Downloads images from their registries into the cache, and prints the digest of each manifest. Later runs flatten them from there, also with --offline.',
  examples: [
    ['dimgx pull debian:12 alpine:3.20', 'download two images'],
    ['dimgx pull --all-tags ghcr.io/owner/name', 'download every tag of a repository'],
  ],
  operands: { name: 'IMAGE', count: 'some', wanted: 'needs at least one image' },
  options: {
    'all-tags': { ...flag, alias: 'a', describe: 'pull every tag of the repositories named' },
    platform,
    quiet: { ...flag, alias: 'q', describe: 'show no progress' },
    ...DOWNLOAD_OPTIONS,
  },
  json: 'print a JSON document for each image',
  async *run({ operands, given, library }) {
    const { onProgress, ...quietly } = library;
    const images = given['all-tags'] ? await everyTag(operands, quietly) : operands;
    for (const name of images) {
      const image = await pullImage(name, given.quiet ? quietly : library);
      yield { text: () => `${image.manifestDigest}\n`, json: () => pulledJson(image) };
    }
  },
});

async function everyTag(operands: readonly string[], options: ListTagsOptions): Promise<readonly string[]> {
  const images: string[] = [];
  for (const name of operands.map(withoutScheme)) {
    if (/@|:[^/]*$/.test(name)) {
      throw usageError(`--all-tags takes repositories, not "${printable(name, 200)}", which names one image`);
    }
    const { tags } = await listTags(name, options);
    for (const tag of tags) images.push(`${name}:${tag}`);
  }
  return images;
}

function withoutScheme(name: string): string {
  return name.replace(/^docker:\/\//, '');
}

/** Every key is always present; an unknown value is `null`. */
function pulledJson({ reference, source, id, manifestDigest, tags, platform, layers }: PulledImage) {
  return {
    reference,
    source,
    id,
    manifestDigest: manifestDigest ?? null,
    tags,
    platform: platform ?? null,
    layers: layers.map(({ digest, size }) => ({ digest: digest ?? null, size: size ?? null })),
  };
}
