import fc from 'fast-check';
import { DescriptorFile } from '#dimgx/base/io/held-file.js';
import { TarAssembler } from '#dimgx/extract/assembler.js';
import { Budget } from '#dimgx/inspect/budget.js';
import { indexPlainLayer, type LayerIo } from '#dimgx/inspect/index-layer.js';
import { EntryTable } from '#dimgx/layer/entry-table.js';
import type { IndexedLayer } from '#dimgx/layer/layer-index.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import { planColumns } from '#dimgx/merge/merge-plan.js';
import { layerValue } from '../../helpers/image-value.js';
import { type RawEntry, rawEntry, rawLayer } from '../../helpers/raw-layer.js';
import { randomStack } from '../../law/random-stack.js';
import { assembled } from '../assembled.js';
import { checkOutput, checkWithGnuTar } from '../check-output.js';
import { mutatedTar } from '../mutations/tar.js';
import { oneOf, type Random } from '../random.js';
import { readFrom } from '../read-from.js';
import { ScratchFile } from '../scratch.js';
import { fullTar, smallTars } from '../seeds/tars.js';
import { must, type Target } from '../target.js';

/** An entry, or bytes that stand for themselves. */
type Part = RawEntry | Uint8Array;
/** Oldest first. */
type Layers = readonly (readonly Part[])[];

const LIMITS = { maxSize: 16 * 2 ** 20, maxEntries: 500 };
const MAX_PARTS = 60;
const scratch = new ScratchFile();

/** Stacks of layers, now and then without one of them, through index, merge and output. What comes out is the same every time, and plain when read again. */
export const layers: Target<Layers> = {
  name: 'layers',
  share: 6,
  batch: 50,
  seeds: () => [
    [[fullTar()]],
    ...smallTars().map((tar) => [[tar], [tar]]),
    ...fc.sample(randomStack, { seed: 1, numRuns: 60 }),
  ],
  mutate(stack, random) {
    const mutated = stack.map((parts) => [...parts]);
    for (let times = 1 + random(3); times > 0; times--) mutateOnce(mutated, random);
    return mutated.map((parts) => parts.slice(0, MAX_PARTS));
  },
  async run(stack, random) {
    const bytes = stack.map((parts) => rawLayer(parts));
    scratch.write(bytes);
    const all = await indexesOf(bytes);
    const left = random(4) === 0 ? random(all.length) : -1;
    const indexes = all.filter((_, i) => i !== left);
    const tar = await flattened(indexes);
    const entries = await checkOutput(tar);
    if (random(4) === 0) must((await flattened(indexes)).equals(tar), 'a second time gives other bytes');
    if (random(50) === 0) checkWithGnuTar(tar, entries);
  },
  close: () => scratch.close(),
};

/** Newest first. */
async function indexesOf(layers: readonly Buffer[]): Promise<IndexedLayer[]> {
  const budget = new Budget(LIMITS);
  const indexes: IndexedLayer[] = [];
  let offset = 0;
  for (const [position, bytes] of layers.entries()) {
    const { length } = bytes;
    const io: LayerIo = {
      read: readFrom(bytes),
      write: () => must(false, 'a plain layer is spooled'),
      paced: (read) => read,
      whole: (work) => work(),
    };
    const {
      columns,
      windowsRecords: _,
      isForWindows: forWindows,
      ...contents
    } = await indexPlainLayer({ file: -1, offset: 0, length }, io, budget);
    const stored = { file: new DescriptorFile({ fd: scratch.fd }), offset, length };
    const layer = layerValue({ name: `layer ${position}`, blob: stored });
    const place = { position, of: layers.length };
    const entries = new EntryTable(columns);
    indexes.push({
      ...contents,
      layer,
      place,
      forWindows,
      bytes: { stored, compression: 'none', length, decoderMemory: 0, isChecked: true },
      entries,
      verified: Promise.resolve({}),
    });
    offset += length;
  }
  return indexes.reverse();
}

function flattened(indexes: readonly IndexedLayer[]): Promise<Buffer> {
  return assembled(new TarAssembler(planColumns(mergeLayers(indexes, { explain: true, limits: LIMITS }))));
}

function mutateOnce(stack: Part[][], random: Random): void {
  const layer = oneOf(stack, random);
  const at = random(layer.length + 1);
  const part = layer[at];
  const names = stack.flat().flatMap((other) => (other instanceof Uint8Array ? [] : [other.name]));
  const name = names.length === 0 ? 'x' : oneOf(names, random);
  const slash = name.lastIndexOf('/') + 1;
  switch (random(9)) {
    case 0:
      layer.splice(at, 1);
      break;
    case 1:
      if (part) oneOf(stack, random).push(part);
      break;
    case 2:
      if (part) layer.splice(random(layer.length), 0, ...layer.splice(at, 1));
      break;
    case 3:
      layer.splice(at, 0, { name: `${name.slice(0, slash)}.wh.${name.slice(slash)}` });
      break;
    case 4:
      layer.splice(at, 0, { name: `${name.slice(0, slash)}.wh..wh..opq` });
      break;
    case 5:
      if (part) layer[at] = mutatedTar(part instanceof Uint8Array ? part : rawEntry(part), random);
      break;
    case 6:
      if (part && !(part instanceof Uint8Array)) layer[at] = { ...part, name };
      break;
    case 7:
      if (part && !(part instanceof Uint8Array)) layer[at] = { ...part, type: oneOf('012356', random), link: name };
      break;
    default:
      if (stack.length < 5)
        stack.push([{ name, type: oneOf('0125', random), link: oneOf(['.', '..', '/', name], random) }]);
  }
}
