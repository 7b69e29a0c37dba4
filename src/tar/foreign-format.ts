import { isUtf8 } from 'node:buffer';
import { detectCompression } from '../compression/codecs.js';

/** Kind of a file that is not a tar archive. Decides which advice the user gets. */
export type FormatKind =
  | 'file system'
  | 'disk'
  | 'archive'
  | 'package'
  /** With a compression that dimgx does not support. */
  | 'compressed'
  /** With a compression that dimgx supports. One layer has already been removed before the format is detected. */
  | 'compressed twice'
  | 'encrypted'
  /** Binary data that a program treated as text, and changed. */
  | 'damaged'
  | 'page'
  | 'JSON'
  | 'text'
  | 'pointer'
  | 'SIF'
  | 'other';

export interface ForeignFormat {
  /** With an article, to follow "this is". */
  readonly name: string;
  readonly kind: FormatKind;
  /** A command that unpacks it, with options. */
  readonly program?: string;
}

/** Signature of a format: its magic bytes, and their offset from the start of the file. */
interface Signature {
  readonly offset?: number;
  /** As latin1. */
  readonly magic: string;
  readonly format: ForeignFormat;
}

const fileSystem = (name: string): ForeignFormat => ({ name, kind: 'file system' });
const disk = (name: string): ForeignFormat => ({ name, kind: 'disk' });
const archive = (name: string, program?: string): ForeignFormat => ({
  name,
  kind: 'archive',
  ...(program && { program }),
});
const compressed = (name: string, program: string): ForeignFormat => ({ name, kind: 'compressed', program });
const twice = (name: string): ForeignFormat => ({ name, kind: 'compressed twice' });
const encrypted = (name: string): ForeignFormat => ({ name, kind: 'encrypted' });
const other = (name: string): ForeignFormat => ({ name, kind: 'other' });

const SQUASHFS = fileSystem('a squashfs file system');
const CPIO = archive('a cpio archive', 'cpio -i');
const ZIP = archive('a ZIP archive', 'unzip');
const LZ4 = compressed('LZ4 data', 'lz4 -dc');
const MACH_O = other('a program for macOS');

/** Signatures need only the bytes before this offset. */
export const FORMAT_LENGTH = 66 * 1024;

/** Source: the magic numbers of Linux's uapi/linux/magic.h, and the specification of each format. */
const SIGNATURES: readonly Signature[] = [
  { magic: 'hsqs', format: SQUASHFS },
  { magic: 'sqsh', format: SQUASHFS },
  { magic: '\x45\x3d\xcd\x28', format: fileSystem('a cramfs file system') },
  { magic: '-rom1fs-', format: fileSystem('a romfs file system') },
  { magic: 'XFSB', format: fileSystem('an XFS file system') },
  { offset: 1024, magic: '\xe2\xe1\xf5\xe0', format: fileSystem('an EROFS file system') },
  { offset: 1024, magic: '\x10\x20\xf5\xf2', format: fileSystem('an F2FS file system') },
  { offset: 1024, magic: 'H+', format: fileSystem('an HFS+ file system') },
  { offset: 1030, magic: '\x34\x34', format: fileSystem('a NILFS2 file system') },
  { offset: 1080, magic: '\x53\xef', format: fileSystem('an ext2, ext3 or ext4 file system') },
  { offset: 32_769, magic: 'CD001', format: fileSystem('an ISO 9660 file system') },
  { offset: 32_769, magic: 'BEA01', format: fileSystem('a UDF file system') },
  { offset: 65_600, magic: '_BHRfS_M', format: fileSystem('a btrfs file system') },
  { offset: 3, magic: 'NTFS    ', format: fileSystem('an NTFS file system') },
  { offset: 32, magic: 'NXSB', format: fileSystem('an APFS file system') },
  { magic: 'LUKS\xba\xbe', format: encrypted('an encrypted LUKS volume') },
  { magic: 'verity\0\0', format: other('a dm-verity hash tree') },
  { magic: 'QFI\xfb', format: disk('a qcow2 disk image') },
  { magic: 'KDMV', format: disk('a VMDK disk image') },
  { magic: '# Disk DescriptorFile', format: disk('the descriptor of a VMDK disk image') },
  { magic: 'vhdxfile', format: disk('a VHDX disk image') },
  { magic: 'conectix', format: disk('a VHD disk image') },
  { offset: 64, magic: '\x7f\x10\xda\xbe', format: disk('a VDI disk image') },
  { offset: 512, magic: 'EFI PART', format: disk('a disk image') },
  { offset: 32, magic: 'SIF_MAGIC', format: { name: 'a SIF image of Singularity or Apptainer', kind: 'SIF' } },
  { magic: 'PK\x03\x04', format: ZIP },
  { magic: 'PK\x07\x08', format: ZIP },
  { magic: 'PK\x05\x06', format: archive('an empty ZIP archive') },
  { magic: '7z\xbc\xaf\x27\x1c', format: archive('a 7-Zip archive', '7z x') },
  { magic: 'Rar!\x1a\x07', format: archive('a RAR archive', 'unrar x') },
  { magic: 'xar!', format: archive('a xar archive', 'xar -xf') },
  { magic: 'MSCF\0\0\0\0', format: archive('a cabinet file', 'cabextract') },
  { magic: 'MSWIM\0\0\0', format: archive('a WIM image of Windows', 'wimapply') },
  { magic: '!<arch>\ndebian-binary', format: { name: 'a Debian package', kind: 'package' } },
  { magic: '!<arch>\n', format: archive('an ar archive', 'ar x') },
  { magic: '\xed\xab\xee\xdb', format: { name: 'an RPM package', kind: 'package' } },
  { magic: '070701', format: CPIO },
  { magic: '070702', format: CPIO },
  { magic: '070707', format: CPIO },
  { magic: '\x04\x22\x4d\x18', format: LZ4 },
  { magic: '\x02\x21\x4c\x18', format: LZ4 },
  { magic: 'LZIP', format: compressed('lzip data', 'lzip -dc') },
  { magic: '\x89LZO\0', format: compressed('lzop data', 'lzop -dc') },
  { magic: '\x5d\0\0', format: compressed('LZMA data', 'xz -dc') },
  { magic: '\x1f\x9d', format: compressed('data of compress (.Z)', 'gzip -dc') },
  { magic: '\x1f\xa0', format: compressed('data of compress -H', 'gzip -dc') },
  { magic: '\x1f\x1e', format: compressed('data of pack (.z)', 'gzip -dc') },
  { magic: '\xff\x06\0\0sNaPpY', format: compressed('Snappy data', 'snzip -dc') },
  { magic: 'H4sIA', format: compressed('gzip data in base64', 'base64 -d') },
  { magic: '\x78\x9c', format: other('zlib data') },
  { magic: '\x78\xda', format: other('zlib data') },
  { magic: 'age-encryption.org/', format: encrypted('data encrypted by age') },
  { magic: 'Salted__', format: encrypted('data encrypted by OpenSSL') },
  { magic: '-----BEGIN PGP MESSAGE', format: encrypted('data encrypted by PGP') },
  { magic: '-----BEGIN ', format: other('PEM text') },
  { magic: '\x7fELF', format: other('an ELF program') },
  { magic: '\xcf\xfa\xed\xfe', format: MACH_O },
  { magic: '\xca\xfe\xba\xbe', format: MACH_O },
  { magic: '\0asm', format: other('a WebAssembly module') },
  { magic: '%PDF-', format: other('a PDF document') },
  { magic: '\x89PNG\r\n', format: other('a picture') },
  { magic: '\xff\xd8\xff', format: other('a picture') },
  { magic: 'SQLite format 3\0', format: other('an SQLite database') },
  { magic: 'GGUF', format: other('a GGUF model') },
  {
    magic: 'version https://git-lfs.github.com/',
    format: { name: 'a pointer of git-lfs', kind: 'pointer' },
  },
];

/**
 * Identifies the format of data that is not a tar archive; `undefined` if unknown.
 *
 * @param bytes a part of the file; only the first `FORMAT_LENGTH` bytes of it are read
 * @param position offset of `bytes` in the file
 */
export function foreignFormat(bytes: Uint8Array, position = 0): ForeignFormat | undefined {
  const length = Math.min(bytes.byteLength, FORMAT_LENGTH);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1');
  const begins = ({ offset = 0, magic }: Signature) => offset >= position && text.startsWith(magic, offset - position);
  const known = SIGNATURES.find(begins)?.format;
  if (known !== undefined || position > 0) return known;
  // A skippable frame, which both formats have.
  if (text.startsWith('\x2a\x4d\x18', 1) && text.charCodeAt(0) >> 4 === 5) return twice('zstd or LZ4 data');
  const compression = detectCompression(bytes);
  if (compression !== 'none') return twice(`${compression} data`);
  return foreignText(bytes.subarray(0, length)) ?? bootSector(text);
}

/** Checked last: it is only two bytes, which may occur by chance. */
function bootSector(text: string): ForeignFormat | undefined {
  return text.startsWith('\x55\xaa', 510) ? disk('a disk image, or a file system with a boot sector') : undefined;
}

/** Number of bytes examined: enough to tell text from other data. */
const LOOKED_AT = 1024;
/** Minimum number of letters to accept UTF-16 without a byte order mark. */
const LEAST_LETTERS = 3;

const UTF16: ForeignFormat = { name: 'UTF-16 text', kind: 'damaged' };

/** First bytes of compressed data that was decoded as text in some encoding and written as UTF-8. As latin1. */
const REENCODED: readonly (readonly [string, string])[] = [
  ['\x1f\xef\xbf\xbd', 'gzip data that was read as UTF-8 text, and damaged'],
  ['\x1f\xc2\x8b', 'gzip data that was read as Latin-1 text, and written as UTF-8'],
  ['\x28\xef\xbf\xbd\x2f\xef\xbf\xbd', 'zstd data that was read as UTF-8 text, and damaged'],
  ['\x28\xc2\xb5\x2f\xc3\xbd', 'zstd data that was read as Latin-1 text, and written as UTF-8'],
  ['\xef\xbf\xbd7zXZ', 'xz data that was read as UTF-8 text, and damaged'],
  ['\xc3\xbd7zXZ', 'xz data that was read as Latin-1 text, and written as UTF-8'],
];

/**
 * Identifies text, and data that a program mistook for text and changed; `undefined` for other data.
 *
 * @param bytes the beginning of the file
 */
function foreignText(bytes: Uint8Array): ForeignFormat | undefined {
  const head = Buffer.from(bytes.subarray(0, LOOKED_AT));
  const latin1 = head.toString('latin1');
  if (isUtf16(head)) return UTF16;
  const marked = latin1.startsWith('\xef\xbb\xbf');
  const text = marked ? latin1.slice(3) : latin1;
  for (const [begin, name] of REENCODED) if (text.startsWith(begin)) return { name, kind: 'damaged' };
  if (!isText(head)) {
    return marked ? { name: 'data that was written as text, behind the mark of UTF-8', kind: 'damaged' } : undefined;
  }
  const begin = text.trimStart();
  if (/^(<!--[\s\S]*?-->\s*)?<(!doctype html|html|head|body|meta|title)\b/i.test(begin))
    return { name: 'an HTML page', kind: 'page' };
  if (/^<(\?xml|!doctype|[a-z][\w:.-]*[\s/>])/i.test(begin)) return { name: 'an XML document', kind: 'page' };
  if (/^(\{\s*["}]|\[\s*[{[\]"])/.test(begin)) return { name: 'a JSON document', kind: 'JSON' };
  return { name: begin.startsWith('#!') ? 'a script' : 'text', kind: 'text' };
}

/** Detected by its byte order mark, or because every other byte at the start is zero. */
function isUtf16(head: Buffer): boolean {
  const mark = head.toString('latin1', 0, 2);
  if (mark === '\xff\xfe' || mark === '\xfe\xff') return true;
  return hasLetters(head, 0) || hasLetters(head, 1);
}

/** @param low index of the low byte in each pair: 0 for little-endian text, 1 for big-endian */
function hasLetters(head: Buffer, low: 0 | 1): boolean {
  // A tar header in UTF-16 may begin with a short name followed by many zeros. Gzip begins with three nonzero bytes.
  let letters = 0;
  let pairs = 0;
  for (; 2 * pairs + 1 < head.length; pairs += 1) {
    if (head[2 * pairs + 1 - low] !== 0) break;
    if (head[2 * pairs + low] !== 0) letters += 1;
    else if (pairs === 0) return false;
  }
  const isLong = 2 * pairs + 1 >= head.length;
  const isGzip = head[low] === 0x1f && [0x8b, 0xef].includes(head[2 + low] ?? 0) && pairs > 1;
  return isGzip || (letters >= LEAST_LETTERS && (isLong || pairs >= 32));
}

/**
 * Whether it is UTF-8 without control characters other than those common in text. The last character may be cut off.
 */
function isText(head: Buffer): boolean {
  let end = head.length;
  if (end === LOOKED_AT) while (end > LOOKED_AT - 4 && ((head[end - 1] as number) & 0x80) !== 0) end -= 1;
  const whole = head.subarray(0, end);
  const isControl = (byte: number) => byte < 0x20 && ![0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x1b].includes(byte);
  return whole.length > 0 && isUtf8(whole) && !whole.some(isControl);
}
