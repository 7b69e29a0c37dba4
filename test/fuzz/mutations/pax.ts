import { paxRecord } from '../../helpers/raw-tar.js';
import { oneOf, type Random } from '../random.js';
import { mutatedBytes, ODD_NUMBERS } from './bytes.js';

/** Text is latin1. */
type Record = readonly [key: string, value: string];

const KEYS = [
  ...['path', 'linkpath', 'size', 'uid', 'gid', 'mtime', 'atime', 'ctime', 'uname', 'gname', 'comment', 'hdrcharset'],
  ...['GNU.sparse.major', 'GNU.sparse.minor', 'GNU.sparse.name', 'GNU.sparse.realsize', 'GNU.sparse.size'],
  ...['GNU.sparse.map', 'GNU.sparse.numblocks', 'GNU.sparse.offset', 'GNU.sparse.numbytes'],
  ...['SCHILY.xattr.user.a', 'SCHILY.xattr.trusted.overlay.opaque', 'SCHILY.devmajor', 'LIBARCHIVE.xattr.a', 'x', ''],
];

const VALUES = [
  ...['', 'a', 'a/b', '../x', '/', './', 'd/.wh.x', 'a\0b', '\xff\xfe', '=', '\n', 'n'.repeat(300), 'p/'.repeat(60)],
  ...['1.5', '-1.5', '-0.5', '1.', '.1', '1.1234567891', '0,5', '0,5,10,5', '512,1', '0,0,0', '1,0', '0,512,1024,700'],
  ...ODD_NUMBERS,
];

/** Changes records and puts their lengths right again, or changes bytes. */
export function mutatedPax(body: Buffer, random: Random): Buffer {
  const records = random(8) === 0 ? [] : recordsOf(body);
  if (records.length === 0 && random(4) > 0) return mutatedBytes(body, random);
  for (let times = 1 + random(3); times > 0; times--) mutateRecords(records, random);
  return Buffer.from(records.map(([key, value]) => paxRecord(key, value)).join(''), 'latin1');
}

/** As far as they can be read. */
function recordsOf(body: Buffer): Record[] {
  const text = body.toString('latin1');
  const records: Record[] = [];
  for (let at = 0; at < text.length; ) {
    const length = Number(/^\d{1,7}(?= )/.exec(text.slice(at, at + 8))?.[0]);
    const [, key, value] = /^\d+ ([^=]*)=(.*)\n$/s.exec(text.slice(at, at + length)) ?? [];
    if (key === undefined || value === undefined) break;
    records.push([key, value]);
    at += length;
  }
  return records;
}

function mutateRecords(records: Record[], random: Random): void {
  const at = random(records.length);
  const [key, value] = records[at] ?? ['', ''];
  switch (random(6)) {
    case 0:
      records.splice(at, 1);
      break;
    case 1:
      records.splice(random(records.length + 1), 0, [key, value]);
      break;
    case 2:
      records[at] = [oneOf(KEYS, random), value];
      break;
    case 3:
      records[at] = [key, oneOf(VALUES, random)];
      break;
    case 4:
      records.splice(random(records.length + 1), 0, [oneOf(KEYS, random), oneOf(VALUES, random)]);
      break;
    default:
      records[at] = [key, mutatedBytes(Buffer.from(value, 'latin1'), random).toString('latin1')];
  }
}
