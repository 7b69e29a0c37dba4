import { decodeEntry } from '#dimgx/tar/decode.js';
import { emptyEntry } from '#dimgx/tar/entry.js';
import { encodePax, latin1, parsePax } from '#dimgx/tar/pax.js';
import { paxRecord, rawEntry } from '../../helpers/raw-tar.js';
import { mutatedBytes } from '../mutations/bytes.js';
import { mutatedPax } from '../mutations/pax.js';
import { resummed } from '../mutations/tar.js';
import { must, type Target } from '../target.js';

/** The body of a PAX header, and the contents of the file it belongs to, at whose head the map of a sparse file may stand. */
interface PaxInput {
  readonly body: Buffer;
  readonly contents: Buffer;
}

/** Records by themselves, and as they change an entry: names, owners, times, all forms of sparse maps. */
export const pax: Target<PaxInput> = {
  name: 'pax',
  share: 420,
  batch: 1000,
  seeds: () => SEEDS.map(([records, contents]) => ({ body: bodyOf(records), contents: Buffer.from(contents) })),
  mutate({ body, contents }, random) {
    const inContents = contents.length > 0 && random(4) === 0;
    return inContents
      ? { body, contents: mutatedBytes(contents, random) }
      : { body: mutatedPax(body, random), contents };
  },
  run({ body, contents }, random) {
    checkRecords(body);
    const entry = emptyEntry();
    const file = random(16) === 0 ? entryOf('2', Buffer.alloc(0)) : entryOf('0', contents);
    const decoded = decodeEntry(Buffer.concat([entryOf('x', body), file]), 0, 0, entry);
    if (decoded !== 'entry') return;
    const { dataSize, end, dataOffset, uid, gid, mtimeNanos } = entry;
    must(dataSize >= 0 && end >= dataOffset + dataSize, 'contents leave their entry');
    must([uid, gid, end].every(Number.isFinite), 'a number is none');
    must(mtimeNanos >= 0 && mtimeNanos < 1e9, 'nanoseconds do not fit into a second');
  },
};

const HEADER = rawEntry({ name: 'file' });

/** As `rawEntry`, and several times as fast: of its header only the type, the size and the sum are new. */
function entryOf(type: string, body: Buffer): Buffer {
  const entry = Buffer.alloc(512 + Math.ceil(body.length / 512) * 512);
  HEADER.copy(entry);
  entry.write(body.length.toString(8).padStart(11, '0'), 124, 'latin1');
  entry.write(type, 156, 'latin1');
  body.copy(entry, 512);
  return resummed(entry);
}

/** They are the body, one after another, and each says of itself what it says. */
function checkRecords(body: Buffer): void {
  let at = 0;
  for (const { key, value, raw } of parsePax(body)) {
    must(raw.byteOffset === body.byteOffset + at, 'a record lies elsewhere');
    const again = encodePax(key, value);
    must(again.equals(raw) || raw[0] === 0x30, `${latin1(raw)} would be written as ${latin1(again)}`);
    at += raw.length;
  }
  must(at === body.length, 'something of the body is left');
}

type Records = readonly (readonly [key: string, value: string])[];

function bodyOf(records: Records): Buffer {
  return Buffer.from(records.map(([key, value]) => paxRecord(key, value)).join(''), 'latin1');
}

const sparse = (name: string, value: string) => [`GNU.sparse.${name}`, value] as const;
const SPARSE_HEAD = [sparse('major', '1'), sparse('minor', '0'), sparse('realsize', '9999'), sparse('name', 's')];
const SEEDS: readonly (readonly [records: Records, contents: string])[] = [
  [[['path', 'a/b']], 'contents'],
  [
    [
      ['mtime', '1500000000.123456789'],
      ['atime', '-1.5'],
      ['uid', '1000'],
      ['gid', '4294967294'],
      ['size', '8'],
    ],
    'contents',
  ],
  [
    [
      ['linkpath', '../x'],
      ['uname', '\xc3\xa9'],
      ['SCHILY.xattr.user.a', 'v\n=\0\xff'],
      ['comment', ''],
    ],
    '',
  ],
  [SPARSE_HEAD, `${'1\n1024\n700\n'.padEnd(512, '\0')}${'s'.repeat(700)}`],
  [SPARSE_HEAD, `${'3\n0\n512\n1024\n512\n9999\n0\n'.padEnd(512, '\0')}${'s'.repeat(1024)}`],
  [[sparse('size', '900'), sparse('numblocks', '2'), sparse('map', '0,512,600,5')], 'm'.repeat(517)],
  [
    [
      ...[sparse('size', '900'), sparse('numblocks', '2'), sparse('offset', '0'), sparse('numbytes', '512')],
      ...[sparse('offset', '600'), sparse('numbytes', '5')],
    ],
    'm'.repeat(517),
  ],
];
