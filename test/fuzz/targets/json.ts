import { formatJson } from '#dimgx/cli/output/print.js';
import { relativeTime } from '#dimgx/cli/output/table.js';
import { parseConfig } from '#dimgx/image/config.js';
import { parseDocument } from '#dimgx/image/document.js';
import { historyOfLayers } from '#dimgx/image/history.js';
import { DockerManifestSchema, IndexSchema, KindSchema, ManifestSchema } from '#dimgx/image/manifest.js';
import { choosePlatform } from '#dimgx/image/platform.js';
import { parseDigest } from '#dimgx/reference/digest.js';
import { mutatedJson } from '../mutations/json.js';
import { imageForms } from '../seeds/images.js';
import { must, type Target } from '../target.js';

/** The documents of images, each by itself, read as whatever it could be: manifests, indexes, configs. */
export const json: Target<Buffer> = {
  name: 'json',
  share: 110,
  batch: 1000,
  seeds: () =>
    imageForms().flatMap((members) => members.flatMap(([name, bytes]) => (isJson(name, bytes) ? [bytes] : []))),
  mutate: mutatedJson,
  run(bytes, random) {
    switch (random(4)) {
      case 0: {
        const items = parseDocument(bytes, DockerManifestSchema, 'a document');
        for (const item of items)
          must(Array.isArray(item.Layers) && typeof item.Config === 'string', 'a shape is wrong');
        return;
      }
      case 1: {
        parseDocument(bytes, KindSchema, 'a document');
        const { config, layers } = parseDocument(bytes, ManifestSchema, 'a document');
        for (const { digest, size } of [config, ...layers]) {
          parseDigest(digest, 'a document');
          must(size == null || (Number.isSafeInteger(size) && size >= 0), 'a size is none');
        }
        return;
      }
      case 2: {
        const { manifests } = parseDocument(bytes, IndexSchema, 'a document');
        const wanted = { os: 'linux', architecture: 'arm', variant: 'v7' };
        choosePlatform(wanted, manifests, ({ platform }) => {
          if (!platform?.os || !platform.architecture) return undefined;
          return { os: platform.os, architecture: platform.architecture, variant: platform.variant ?? '' };
        });
        return;
      }
      default: {
        const { config, history, diffIds } = parseConfig(bytes, 'a document');
        const told = historyOfLayers(diffIds.length, history);
        must(told.length === diffIds.length, 'a layer has no history');
        for (const { created } of [...told, config]) relativeTime(created, new Date(0));
        must(JSON.stringify(JSON.parse(formatJson(told))) === JSON.stringify(told), 'JSON comes out as something else');
      }
    }
  },
};

function isJson(name: string, bytes: Buffer): boolean {
  return !name.endsWith('.tar') && (bytes[0] === 0x7b || bytes[0] === 0x5b);
}
