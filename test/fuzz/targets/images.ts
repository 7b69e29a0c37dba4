import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { listLayers } from '#dimgx/cli/commands/list.js';
import { formatJson } from '#dimgx/cli/output/print.js';
import type { Warning } from '#dimgx/errors.js';
import { openExtraction } from '#dimgx/extract/extract-layers.js';
import { type FlattenOptions, flatten } from '#dimgx/flatten.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import type { EntryEvent } from '#dimgx/options.js';
import { openImage } from '#dimgx/source/resolve.js';
import { rawEntry, rawTar } from '../../helpers/raw-tar.js';
import { assembled } from '../assembled.js';
import { checkOutput, checkWithGnuTar } from '../check-output.js';
import { mutatedBytes } from '../mutations/bytes.js';
import { mutatedJson } from '../mutations/json.js';
import { mutatedTar } from '../mutations/tar.js';
import { oneOf, type Random } from '../random.js';
import { ScratchFile } from '../scratch.js';
import { type ImageMembers, imageForms } from '../seeds/images.js';
import { must, type Target } from '../target.js';

/** An archive as its members, or, once it has been changed itself, as bytes. */
type Archive = ImageMembers | Buffer;

const LIMITS = { maxSize: 16 * 2 ** 20, maxEntries: 500 };
const SELECTORS = [
  '@1',
  'box',
  'box:1',
  'docker.io/library/other:1',
  'x:latest',
  'a',
  'bb',
  'sha256:0',
  '0',
  '1',
  'none',
];
const PLATFORMS = ['linux/arm64', 'linux/arm64/v8', 'linux/arm/v7', 'linux/amd64/v3', 'windows/amd64', 'linux/x'];
const scratch = new ScratchFile();

/** Whole images, in every form: listed, or flattened in this process. */
export const images: Target<Archive> = {
  name: 'images',
  share: 3,
  batch: 50,
  seeds: imageForms,
  mutate: (archive, random) => mutated(archive, random),
  async run(archive, random) {
    const bytes = Buffer.isBuffer(archive) ? archive : archiveOf(archive);
    scratch.replace(bytes);
    const options = {
      ...(random(8) > 0 && { image: random(4) === 0 ? oneOf(SELECTORS, random) : '@0' }),
      ...(random(8) > 0 && { platform: random(4) === 0 ? oneOf(PLATFORMS, random) : 'linux/amd64' }),
      ...(random(4) === 0 && { onEntry: checkEvent }),
      verify: random(8) === 0,
      limits: LIMITS,
      threads: 1,
    };
    if (random(4) === 0) {
      const listed = await listLayers(scratch.path, { ...options, json: true, quiet: false, columns: 100 });
      const text = random(2) === 0 ? formatJson(listed.json?.()) : String(listed.text());
      must(!/[^\n\P{Cc}]/u.test(text), 'the listing is not printable');
      return;
    }
    const tar = await (random(16) === 0 ? flattenedTo : outputOf)(scratch.path, options);
    const entries = await checkOutput(tar);
    if (random(50) === 0) checkWithGnuTar(tar, entries);
  },
  close: () => scratch.close(),
};

/** As `flatten` does it, but for the target. */
async function outputOf(reference: string, options: FlattenOptions): Promise<Buffer> {
  const image = await openImage(reference, options);
  try {
    const stageOptions = { ...options, onWarning: checkWarning };
    const plan = mergeLayers(await inspectLayers(image, options), stageOptions);
    const { assembler } = openExtraction(plan, stageOptions);
    return await assembled(assembler);
  } finally {
    await image.close();
  }
}

async function flattenedTo(reference: string, options: FlattenOptions): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const sink = new Writable({
    write(piece: Buffer, _, done) {
      pieces.push(piece);
      done();
    },
  });
  const { warnings } = await flatten(reference, sink, options);
  warnings.forEach(checkWarning);
  return Buffer.concat(pieces);
}

function checkWarning({ message }: Warning): void {
  must(!/\p{Cc}/u.test(message), 'a warning is not printable');
}

function checkEvent({ path, reason = '' }: EntryEvent): void {
  must(!/\p{Cc}/u.test(path + reason), 'a path or a reason is not printable');
}

export function archiveOf(members: ImageMembers): Buffer {
  return rawTar(...members.map(([name, bytes]) => rawEntry({ name }, bytes)));
}

function mutated(archive: Archive, random: Random): Archive {
  if (Buffer.isBuffer(archive)) return mutatedBytes(archive, random);
  if (random(10) === 0) return mutatedTar(archiveOf(archive), random);
  if (random(50) === 0) return gzipSync(archiveOf(archive), { level: 1 });
  const members = [...archive];
  const at = random(members.length);
  const [name, bytes] = members[at] as (typeof members)[number];
  const isDocument = bytes[0] === 0x7b || bytes[0] === 0x5b;
  const kind = random(10);
  if (kind === 0) members.splice(at, 1);
  else if (kind === 1) members[at] = [oneOf(members, random)[0], bytes];
  else if (kind === 2) members.push([name, oneOf(members, random)[1]]);
  else members[at] = [name, isDocument ? mutatedJson(bytes, random) : mutatedTar(bytes, random)];
  return members;
}
