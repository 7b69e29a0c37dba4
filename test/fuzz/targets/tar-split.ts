import { gzipSync } from 'node:zlib';
import type { RebuiltRegion } from '#dimgx/base/io/rebuilt-region.js';
import { spoolOffset, stretchAt } from '#dimgx/base/io/rebuilt-region.js';
import { rebuildLayer } from '#dimgx/source/disk/rebuild/rebuild-layer.js';
import { splitLayer, splitText } from '../../helpers/tar-split.js';
import { mutatedBytes } from '../mutations/bytes.js';
import { mutatedJson } from '../mutations/json.js';
import { smallTars } from '../seeds/tars.js';
import { must, type Target } from '../target.js';

const LIMITS = { maxSize: 2 ** 20, maxEntries: 1000 };

/** An engine's record of a layer, line by line; the files of the layer are not needed. */
export const tarSplit: Target<Buffer> = {
  name: 'tar-split',
  share: 60,
  batch: 200,
  seeds: () => smallTars().map((tar) => Buffer.from(splitText(splitLayer(tar).lines))),
  mutate(text, random) {
    if (random(4) === 0) return mutatedBytes(text, random);
    const lines = text.toString('latin1').split('\n');
    const at = random(lines.length);
    if (random(4) === 0) lines.splice(at, 1, ...lines.slice(random(lines.length)).slice(0, random(3)));
    else lines[at] = mutatedJson(Buffer.from(lines[at] ?? '', 'latin1'), random).toString('latin1');
    return Buffer.from(lines.join('\n'), 'latin1');
  },
  async run(text) {
    let spooled = 0;
    const append = (piece: Buffer) => {
      spooled += piece.length;
      return undefined;
    };
    const { pieces, length, offset } = await rebuildLayer(
      inOnePiece(gzipSync(text, { level: 1 })),
      { append, length: 0 },
      { limits: LIMITS },
    );
    must(length <= LIMITS.maxSize, 'a layer is larger than the limit allows');
    must(offset === 0 && length === spooled + (pieces.total.at(-1) ?? 0), 'bytes are missing, or too many');
    const region: RebuiltRegion<number> = {
      file: -1,
      offset,
      length,
      rebuilding: { pieces, root: -1, folder: '', links: 'inside' },
    };
    let [at, inSpool] = [0, 0];
    while (at < length) {
      const { piece, end } = stretchAt(region, at);
      must(end > at && end <= length, 'a stretch is empty, or leaves the layer');
      if (piece === undefined) {
        must(spoolOffset(region, at) === inSpool, 'the spool is not read in order');
        inSpool += end - at;
      }
      at = end;
    }
  },
};

async function* inOnePiece(bytes: Uint8Array) {
  yield bytes;
}
