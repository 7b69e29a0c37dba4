import prettyBytes from 'pretty-bytes';
import { printable } from '../../base/text/printable.js';
import type { ImageList, ListedImage } from '../../image/image.js';
import { formatPlatform } from '../../image/platform.js';
import { defined } from '../options/defined.js';
import { OPTION_TABLE } from '../options/option-table.js';
import { MIRROR_OPTION, REGISTRY_OPTIONS, registrySettings } from '../options/registry-settings.js';
import { usageError } from '../options/usage-error.js';
import { alignColumns } from '../output/align-columns.js';
import { formatJson } from '../output/format-json.js';
import { defineCommand } from './command.js';

const { json, host, blobs, offline, 'no-cache': noCache, 'tmp-dir': tmpDir, 'no-verify': noVerify } = OPTION_TABLE;
const group = 'Options:';

/** In characters. A name can be megabytes long; padding would multiply it by the number of rows. */
const LONGEST_NAME = 200;

export const command = defineCommand({
  usage: '[options] IMAGE',
  describe:
    'Lists all images in an archive, a layout, a directory or an index of a registry, and what is stored beside them. docker-daemon: lists those of the engine.',
  examples: [
    ['dimgx images image.tar', 'list the images of an archive'],
    ['dimgx images docker://debian:12', 'list the platforms of an image'],
    ['dimgx images --json docker-daemon:', 'list the images of the engine as JSON'],
  ],
  options: {
    json: { ...json, group, describe: 'print JSON' },
    host: { ...host, group },
    blobs: { ...blobs, group },
    'tmp-dir': { ...tmpDir, group },
    'no-verify': { ...noVerify, group, describe: 'skip verification' },
    'no-cache': { ...noCache, group },
    offline: { ...offline, group },
    ...REGISTRY_OPTIONS,
    ...MIRROR_OPTION,
  },
  async run({ json, host, blobs, offline, ...given }, operands, { log, bar, signal, print }) {
    const [reference, ...others] = operands;
    if (reference === undefined || reference === '' || others.length > 0) throw usageError('images wants one IMAGE');
    const { listImages } = await import('../../source/list-images.js');
    const list = await listImages(reference, {
      ...registrySettings(given),
      ...defined({ host, blobs: blobs === undefined ? undefined : [blobs].flat(), offline, tmpDir: given['tmp-dir'] }),
      ...(given['no-cache'] && { cache: false }),
      ...(given['no-verify'] && { verify: false }),
      signal,
      onWarning: (warning) => log.warning(warning),
      ...(bar && { onProgress: (progress) => bar.update(progress) }),
    });
    bar?.clear();
    await print(json ? formatJson(listJson(list)) : table(list.images));
  },
});

/** Every key is always present; an unknown value is `null`. Later versions may add keys but remove none. */
function listJson({ reference, source, images }: ImageList) {
  return { reference, source, images: images.map(imageJson) };
}

function imageJson(image: ListedImage) {
  const { number, names, kind, platform, digest, id, index, size, isWhole, missing, problem } = image;
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
    size: size ?? null,
    whole: isWhole ?? null,
    missing,
    problem: problem ?? null,
  };
}

function table(images: readonly ListedImage[]): string {
  if (images.length === 0) return '';
  const rows = images.map((image) => [
    image.number === undefined ? '' : `@${image.number}`,
    printable(image.names.join(', '), LONGEST_NAME) || '-',
    image.kind,
    image.platform ? formatPlatform(image.platform) : '-',
    printable(image.digest ?? image.id ?? '-', LONGEST_NAME),
    image.size === undefined ? '-' : prettyBytes(image.size),
    wholeness(image),
  ]);
  return `${alignColumns([['@N', 'NAME', 'KIND', 'PLATFORM', 'DIGEST', 'SIZE', 'WHOLE'], ...rows]).join('\n')}\n`;
}

function wholeness({ isWhole, missing, problem }: ListedImage): string {
  const [first] = missing;
  if (first !== undefined)
    return `no: ${printable(first.replace(/^[a-z0-9]+:([0-9a-f]{12})[0-9a-f]*$/, '$1'), 80)} is missing`;
  if (problem) return `no: ${problem.code}`;
  return isWhole === undefined ? '-' : isWhole ? 'yes' : 'no';
}
