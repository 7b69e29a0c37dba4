import prettyBytes from 'pretty-bytes';
import { formatPlatform, type ImageList, type ListedImage, listImages, printable } from '../../index.js';
import { OPTION_TABLE } from '../options/option-table.js';
import { MIRROR_OPTIONS, SOURCE_OPTIONS } from '../options/source-options.js';
import { containerJson } from '../output/container-json.js';
import { containerTable } from '../output/container-text.js';
import { leftoverJson, leftoverTable } from '../output/leftover-text.js';
import { alignColumns } from '../output/table.js';
import { defineCommand } from './command.js';

const { host, blobs, offline, 'no-cache': noCache, 'tmp-dir': tmpDir } = SOURCE_OPTIONS;

/** In characters. A name can be megabytes long; padding would multiply it by the number of rows. */
const LONGEST_NAME = 200;

export const images = defineCommand({
  describe:
    'Lists all images in an archive, a layout, a directory or an index of a registry, and what is stored beside them. docker-daemon: lists those of the engine.',
  examples: [
    ['dimgx images image.tar', 'list the images of an archive'],
    ['dimgx images docker://debian:12', 'list the platforms of an image'],
    ['dimgx images --json docker-daemon:', 'list the images of the engine as JSON'],
  ],
  operands: { name: 'IMAGE', count: 'one', wanted: 'needs one image', names: 'file' },
  options: {
    host,
    blobs,
    'tmp-dir': tmpDir,
    'no-verify': OPTION_TABLE['no-verify'],
    'no-cache': noCache,
    offline,
    ...MIRROR_OPTIONS,
  },
  json: 'print JSON',
  async run({ operands: [reference], library }) {
    const list = await listImages(reference, library);
    return { text: () => tables(list), json: () => listJson(list) };
  },
});

/** Every key is always present; an unknown value is `null`. */
function listJson({ reference, source, images, containers, leftovers }: ImageList) {
  return {
    ...{ reference, source, images: images.map(imageJson) },
    leftovers: leftovers?.map(leftoverJson) ?? null,
    containers:
      containers?.map((container) => ({
        ...containerJson(container),
        ...{ store: container.store ?? null, size: container.size ?? null, problem: container.problem ?? null },
      })) ?? null,
  };
}

function tables({ images, containers = [], leftovers = [] }: ImageList): string {
  const now = new Date();
  const parts = [table(images), containerTable(containers, now), leftoverTable(leftovers, now)];
  return parts.filter((part) => part !== '').join('\n');
}

function imageJson(image: ListedImage) {
  const { number, names, kind, platform, digest, id, index, size, isWhole, missing, problem, store } = image;
  return {
    number: number ?? null,
    names,
    kind,
    platform: platform
      ? { os: platform.os, architecture: platform.architecture, variant: platform.variant ?? null }
      : null,
    digest: digest ?? null,
    id: id ?? null,
    index: index ?? null,
    store: store ?? null,
    size: size ?? null,
    whole: isWhole ?? null,
    missing,
    problem: problem ?? null,
  };
}

function table(images: readonly ListedImage[]): string {
  if (images.length === 0) return '';
  const areSeveral = images.some(({ store }) => store !== undefined);
  const rows = images.map((image) => [
    ...(areSeveral ? [printable(image.store ?? '-', LONGEST_NAME)] : []),
    image.number === undefined ? '' : `@${image.number}`,
    printable(image.names.join(', '), LONGEST_NAME) || '-',
    image.kind,
    image.platform ? formatPlatform(image.platform) : '-',
    printable(image.digest ?? image.id ?? '-', LONGEST_NAME),
    image.size === undefined ? '-' : prettyBytes(image.size),
    wholeness(image),
  ]);
  const heads = [...(areSeveral ? ['STORAGE'] : []), '@N', 'NAME', 'KIND', 'PLATFORM', 'DIGEST', 'SIZE', 'WHOLE'];
  return `${alignColumns([heads, ...rows]).join('\n')}\n`;
}

function wholeness({ isWhole, missing, problem }: ListedImage): string {
  const [first] = missing;
  if (first !== undefined)
    return `no: ${printable(first.replace(/^[a-z0-9]+:([0-9a-f]{12})[0-9a-f]*$/, '$1'), 80)} is missing`;
  if (problem) return `no: ${problem.code}`;
  return isWhole === undefined ? '-' : isWhole ? 'yes' : 'no';
}
