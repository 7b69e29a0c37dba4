import { DimgxError } from '#dimgx/errors.js';
import type { TarEntry } from '#dimgx/tar/entry.js';
import { scanTar, type TarEnd, TarStreamScan } from '#dimgx/tar/scan.js';
import { HeaderScanner } from '#dimgx/tar/scanner.js';
import { Tail } from '#dimgx/tar/tail.js';
import { mutatedTar } from '../mutations/tar.js';
import type { Random } from '../random.js';
import { smallTars } from '../seeds/tars.js';
import { must, type Target } from '../target.js';

const BLOCK = 512;
/** What the scanner may ask for at once, in bytes: extensions up to its own bound, and the map of a sparse file. */
const MOST_NEEDED = 6 * 2 ** 20;

type Add = (entry: TarEntry) => void;

/**
 * Archives, to the byte: read by position, and in pieces, which are of random sizes or as small as the scanner asks
 * for. Both come to the same.
 */
export const headerScanner: Target<Buffer> = {
  name: 'header-scanner',
  share: 260,
  batch: 1000,
  seeds: smallTars,
  mutate: mutatedTar,
  async run(archive, random) {
    const isLeast = random(2) === 0;
    const whole = await outcomeOf((add) => scanByPosition(archive, add));
    const pieces = await outcomeOf((add) =>
      isLeast ? scanByTheLeast(archive, add) : scanInPieces(archive, random, add),
    );
    if (!isCutOff(whole) && !isCutOff(pieces)) {
      must(pieces.code === whole.code, `in pieces ${pieces.code}, by position ${whole.code}`);
      must(pieces.entries === whole.entries, 'the entries differ with the pieces');
      must(isLeast || pieces.end?.trailing === whole.end?.trailing, 'the end differs with the pieces');
    }
    must((pieces.refusal === undefined) === (whole.refusal === undefined), 'what is refused differs with the pieces');
    if (whole.refusal) throw whole.refusal;
  },
};

/** Whether what is there of a header is read before it is known that the rest is missing is no matter. */
function isCutOff({ code }: Outcome): boolean {
  return code === 'DIMGX_TAR_TRUNCATED';
}

interface Outcome {
  /** A hash of all that is told of them. */
  readonly entries: number;
  readonly end?: TarEnd | undefined;
  readonly code?: string;
  readonly refusal?: DimgxError;
}

async function outcomeOf(scan: (add: Add) => Promise<TarEnd> | TarEnd | undefined): Promise<Outcome> {
  let entries = 0;
  let last = 0;
  const add = (entry: TarEntry) => {
    const { start, headerOffset, dataOffset, dataSize, end } = entry;
    must(start >= last && headerOffset >= start && dataOffset >= headerOffset + BLOCK, 'an entry lies in another');
    must(dataSize >= 0 && end >= dataOffset + dataSize && end % BLOCK === 0, 'contents leave their entry');
    last = end;
    entries = hashOf(entry, entries);
  };
  try {
    return { end: await scan(add), entries };
  } catch (refusal) {
    if (!(refusal instanceof DimgxError)) throw refusal;
    return { entries, code: refusal.code, refusal };
  }
}

/** Work is bounded by the blocks there are: a scan that read them again and again would be found here. */
async function scanByPosition(archive: Uint8Array, add: Add): Promise<TarEnd> {
  let reads = 0;
  const read = (into: Uint8Array, position: number) => {
    must(++reads <= 24 + (2 * archive.length) / BLOCK, 'the archive is read again and again');
    must(position + into.length <= archive.length, 'more is read than there is');
    into.set(archive.subarray(position, position + into.length));
  };
  return scanTar(read, archive.length, add);
}

function scanInPieces(archive: Uint8Array, random: Random, add: Add): TarEnd {
  const scan = new TarStreamScan(add);
  const most = 1 + random(4000);
  const bytes = random(4) === 0 ? unaligned(archive) : archive;
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random(most);
    scan.push(bytes.subarray(at, at + size));
    at += size;
  }
  return scan.finish();
}

/** At an odd address. */
function unaligned(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length + 1);
  copy.set(bytes, 1);
  return copy.subarray(1);
}

function scanByTheLeast(archive: Uint8Array, add: Add): undefined {
  const scanner = new HeaderScanner(add);
  while (!scanner.done && scanner.position < archive.length) {
    const { position, need } = scanner;
    must(need > 0 && need <= MOST_NEEDED, 'the scanner asks for too much');
    if (archive.length - position < need) break;
    scanner.feed(archive.subarray(position, position + need));
    must(scanner.position > position || scanner.need > need, 'the scanner does not come on');
  }
  const tail = scanner.done ? new Tail(scanner.position) : undefined;
  tail?.push(archive.subarray(scanner.position));
  scanner.finish(archive.length, archive, tail);
}

function hashOf(entry: TarEntry, hash: number): number {
  const { start, headerOffset, dataOffset, dataSize, end, size, type, deviceMajor, deviceMinor } = entry;
  const { mode, uid, gid, mtime, mtimeNanos, quirks, name, link, pax } = entry;
  let h = hash;
  for (const number of [start, headerOffset, dataOffset, dataSize, end, size, type, deviceMajor, deviceMinor])
    h = mixed(h, number);
  for (const number of [mode, uid, gid, mtime, mtimeNanos, quirks, pax.length]) h = mixed(h, number);
  for (const bytes of [name, link, ...pax.map(({ raw }) => raw)]) {
    h = mixed(h, bytes.length);
    for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ (bytes[i] as number), 0x01000193);
  }
  return h;
}

function mixed(hash: number, number: number): number {
  return Math.imul(Math.imul(hash ^ (number % 2 ** 32), 0x01000193) ^ Math.floor(number / 2 ** 32), 0x01000193);
}
