import { FIELD } from '#dimgx/tar/header.js';
import { longHeader, paxRecord, rawEntry } from '../../helpers/raw-tar.js';
import { oneOf, type Random } from '../random.js';
import { MAX_INPUT, mutatedBytes } from './bytes.js';
import { mutatedPax } from './pax.js';

const BLOCK = 512;
const CHECKSUM = 148;

const NUMBERS: readonly (keyof typeof FIELD)[] = [
  ...(['mode', 'uid', 'gid', 'size', 'mtime', 'deviceMajor', 'deviceMinor'] as const),
  ...(['gnuAccessTime', 'gnuChangeTime', 'gnuRealSize'] as const),
];
const TEXTS: readonly (keyof typeof FIELD)[] = ['name', 'link', 'prefix'];

const ODD_FIELDS = [
  ...[
    '',
    ' ',
    '0',
    '7',
    '00000000001\0',
    '     1 ',
    '77777777777',
    '777777777777',
    '00000000777',
    '1\x002',
    '8',
    '-1',
    '\xff',
  ],
  ...[
    '\x80\0\0\0\0\0\0\0\0\0\x02\0',
    '\x80\xff\xff\xff\xff\xff\xff\xff',
    `\xff${'\xff'.repeat(11)}`,
    `\xff${'\0'.repeat(11)}`,
  ],
  ...['\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff', '\x80\0\0\0\0\x20\0\0\0\0\0\0', '\x80\0\0\0\x80\0\0\0\0\0\0\0'],
];
const ODD_NAMES = [
  ...[
    '',
    '/',
    '.',
    './',
    '..',
    '../x',
    'a/../../x',
    'a//b',
    './a/',
    'd/../d/file',
    '/etc/x',
    'a\\b',
    '\xff\xfe',
    'x\ny',
  ],
  ...['.wh.a', 'd/.wh..wh..opq', '.wh..wh..opq', '.wh.', '.wh..', '.wh..wh.aufs', '.wh..wh.plnk/1', 'n'.repeat(100)],
  ...['d/file', 'd', 'link', 'pax', `${'p/'.repeat(49)}pp`],
];
const TYPES = ['\0', ...'01234567xgLKSDVMAZ'];
const MAGICS = ['ustar\x0000', 'ustar  \0', 'ustar\0', 'ustar ', '\0'.repeat(8), 'xxxxxxxx'];

/** Changes an archive by its blocks, fields and extensions; mostly checksums and lengths are put right again. */
export function mutatedTar(archive: Uint8Array, random: Random): Buffer {
  let result: Buffer = Buffer.from(archive);
  for (let times = 1 + random(4); times > 0; times--) result = mutatedOnce(result, random);
  result = result.subarray(0, MAX_INPUT);
  return random(16) === 0 ? result : resummed(result);
}

function mutatedOnce(archive: Buffer, random: Random): Buffer {
  const headers = headersOf(archive);
  const header = headers.length === 0 ? 0 : oneOf(headers, random);
  const block = BLOCK * random(Math.ceil(archive.length / BLOCK));
  const blocks = BLOCK * (1 + random(random(3) === 0 ? 6 : 1));
  const kind = random(16);
  if (kind <= 5 && archive.length >= header + BLOCK) return withField(archive, header, kind, random);
  switch (kind) {
    case 6:
      return Buffer.concat([archive.subarray(0, block), archive.subarray(block + blocks)]);
    case 7:
      return Buffer.concat([archive.subarray(0, block + blocks), archive.subarray(block)]);
    case 8: {
      const moved = archive.subarray(block, block + blocks);
      const rest = Buffer.concat([archive.subarray(0, block), archive.subarray(block + blocks)]);
      const to = BLOCK * random(rest.length / BLOCK + 1);
      return Buffer.concat([rest.subarray(0, to), moved, rest.subarray(to)]);
    }
    case 9:
      return archive.subarray(0, random(2) === 0 ? block : random(archive.length + 1));
    case 10:
      return Buffer.concat([archive, random(2) === 0 ? Buffer.alloc(blocks) : Buffer.from('behind the end')]);
    case 11:
    case 12:
      return withPax(archive, headers, random);
    case 13: {
      const extension = random(3) === 0 ? paxExtension(oneOf(['x', 'g'], random), random) : longExtension(random);
      return Buffer.concat([archive.subarray(0, header), extension, archive.subarray(header)]);
    }
    case 14: {
      const mutated = mutatedBytes(archive.subarray(block, block + BLOCK), random);
      return Buffer.concat([
        archive.subarray(0, block),
        mutated.subarray(0, BLOCK),
        archive.subarray(block + mutated.length),
      ]);
    }
    default:
      return mutatedBytes(archive, random);
  }
}

/** Where blocks begin that look like headers. */
function headersOf(archive: Buffer): number[] {
  const found: number[] = [];
  for (let at = 0; at + BLOCK <= archive.length; at += BLOCK) if (looksLikeHeader(archive, at)) found.push(at);
  return found;
}

/** By its magic, or, in the oldest form, by how its checksum ends. */
function looksLikeHeader(archive: Buffer, at: number): boolean {
  if (archive[at + 257] === 0x75 && archive[at + 258] === 0x73 && archive[at + 261] === 0x72) return true;
  return archive[at + 154] === 0 && archive[at + 155] === 0x20 && archive[at + CHECKSUM] === 0x30;
}

function withField(archive: Buffer, header: number, kind: number, random: Random): Buffer {
  const put = ({ offset, length }: { offset: number; length: number }, text: string) =>
    archive.fill(0, header + offset, header + offset + length).write(text.slice(0, length), header + offset, 'latin1');
  if (kind <= 1) put(FIELD[oneOf(NUMBERS, random)], oneOf(ODD_FIELDS, random));
  else if (kind <= 3) put(FIELD[oneOf(TEXTS, random)], oneOf(ODD_NAMES, random));
  else if (kind === 4) put(FIELD.type, oneOf(TYPES, random));
  else if (random(4) === 0) put(FIELD.starMark, oneOf(['tar\0', 'xx'], random));
  else if (random(3) === 0) put({ offset: 386 + 12 * random(8), length: 12 }, oneOf(ODD_FIELDS, random));
  else if (random(2) === 0) put(FIELD.gnuIsExtended, oneOf(['\x01', '\0'], random));
  else put(FIELD.magic, oneOf(MAGICS, random));
  return archive;
}

/** Changes the records of a PAX header, and lets its size be theirs. */
function withPax(archive: Buffer, headers: readonly number[], random: Random): Buffer {
  const extensions = headers.filter((at) => archive[at + FIELD.type.offset] === 0x78);
  if (extensions.length === 0) {
    const at = headers.length === 0 ? 0 : oneOf(headers, random);
    return Buffer.concat([archive.subarray(0, at), paxExtension('x', random), archive.subarray(at)]);
  }
  const at = oneOf(extensions, random);
  const size = Number.parseInt(archive.toString('latin1', at + 124, at + 135), 8) || 0;
  const body = archive.subarray(at + BLOCK, at + BLOCK + size);
  const behind = archive.subarray(at + BLOCK + Math.ceil(size / BLOCK) * BLOCK);
  return Buffer.concat([archive.subarray(0, at), rawEntry({ type: 'x' }, mutatedPax(body, random)), behind]);
}

function paxExtension(type: string, random: Random): Buffer {
  return rawEntry({ type }, mutatedPax(Buffer.from(paxRecord('path', 'd/pax')), random));
}

function longExtension(random: Random): Buffer {
  const name = oneOf(ODD_NAMES, random);
  return longHeader(oneOf(['L', 'K'], random), random(3) === 0 ? `${name}/`.repeat(1 + random(60)) : name);
}

/** Puts right checksums into all blocks that look like headers, so that what is behind them is reached. */
export function resummed(archive: Buffer): Buffer {
  for (const at of headersOf(archive)) {
    archive.fill(0x20, at + CHECKSUM, at + CHECKSUM + 8);
    let sum = 0;
    for (let i = at; i < at + BLOCK; i++) sum += archive[i] as number;
    archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + CHECKSUM, 'latin1');
  }
  return archive;
}
