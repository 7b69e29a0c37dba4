import { decodeEntry } from '#dimgx/tar/decode.js';
import { emptyEntry, QUIRK, REWRITE } from '#dimgx/tar/entry.js';
import { parseNumber, writeNumber } from '#dimgx/tar/number.js';
import { cleanPath, isCanonical } from '#dimgx/tar/path.js';
import { rewriteHeader } from '#dimgx/tar/rewrite.js';
import { mutatedTar } from '../mutations/tar.js';
import { smallTars } from '../seeds/tars.js';
import { must, type Target } from '../target.js';

/** The headers of one entry: what is written anew of them is plain, and tells the same. */
export const headers: Target<Buffer> = {
  name: 'headers',
  share: 90,
  batch: 1000,
  seeds: () => smallTars().filter((tar) => tar.length > 1024 && (tar[0] as number) > 0),
  mutate: mutatedTar,
  run(bytes) {
    if (bytes.length < 512 || bytes[0] === 0) return;
    checkNumber(bytes, 124, 12);
    checkNumber(bytes, 108, 8);
    const entry = emptyEntry();
    if (decodeEntry(bytes, 0, 0, entry) !== 'entry') return;
    // Written anew together with its contents: see `layers`.
    if ((entry.quirks & QUIRK.sparseMap) !== 0) return;
    const path = cleanPath(entry.name, 'refuse');
    const raw = bytes.subarray(0, entry.dataOffset);
    if (raw.length < entry.dataOffset) return;
    const written = rewriteHeader(raw, { path });
    const again = emptyEntry();
    const contents = bytes.subarray(entry.dataOffset, entry.end);
    must(decodeEntry(Buffer.concat([written, contents]), 0, 0, again) === 'entry', 'what is written is no entry');
    must((again.quirks & REWRITE) === 0, `what is written is odd: ${again.quirks}`);
    must((again.quirks & QUIRK.ownerName) === 0, 'what is written has the name of an owner');
    must((again.quirks & QUIRK.oldSparse) === (entry.quirks & QUIRK.oldSparse), 'a sparse file is none any more');
    must(isCanonical(again.name, path, again.type === 0x35) || path.length === 0, 'the name is not as it should be');
    for (const field of ['type', 'mode', 'uid', 'gid', 'mtime', 'mtimeNanos', 'size', 'dataSize'] as const)
      must(again[field] === entry[field], `${field} was ${entry[field]} and is ${again[field]}`);
    must(again.dataOffset === written.length, 'contents do not follow what is written');
  },
};

/** A number that is read and written again is read as the same. */
function checkNumber(bytes: Uint8Array, offset: number, length: number): void {
  const value = parseNumber(bytes, offset, length, 'field');
  const written = new Uint8Array(length);
  writeNumber(written, 0, length, value);
  const again = parseNumber(written, 0, length, 'field');
  must(again === value, `${value} is written as ${again}`);
}
