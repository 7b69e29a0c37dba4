import { gunzipSync } from 'node:zlib';
import { docker25Archive } from '../../helpers/docker-archive.js';
import type { ImageMembers } from '../seeds/images.js';
import { fullTar, smallTars } from '../seeds/tars.js';
import type { Target } from '../target.js';
import { mutatedGzip } from './gzip.js';
import { images } from './images.js';

/** Images of compressed layers, which worker threads decode: few, as a thread takes its time to start. */
export const compressedImages: Target<ImageMembers> = {
  name: 'compressed-images',
  share: 0.03,
  batch: 10,
  seeds() {
    const [first = Buffer.alloc(0)] = smallTars();
    const members = docker25Archive([{ layers: [first, fullTar()] }], { gzip: true });
    return [Object.entries(members).map(([name, bytes]) => [name, Buffer.from(bytes as string)] as const)];
  },
  mutate: (members, random) =>
    members.map(([name, bytes]) => {
      const isLayer = bytes[0] === 0x1f && random(2) === 0;
      return [name, isLayer ? mutatedGzip({ stored: bytes, ...plainOf(bytes) }, random).stored : bytes] as const;
    }),
  run: (members, random) => images.run(members, random),
  close: () => images.close?.(),
};

function plainOf(bytes: Buffer): { plain?: Buffer } {
  try {
    return { plain: gunzipSync(bytes) };
  } catch {
    return {};
  }
}
