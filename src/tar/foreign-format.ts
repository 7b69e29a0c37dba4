/** How a format is told: by bytes at an offset, both counted from the start of the file. */
interface Signature {
  readonly offset?: number;
  /** As latin1. */
  readonly magic: string;
  /** With its article, to follow "this is". */
  readonly format: string;
}

const EXT = 'an ext2, ext3 or ext4 file system';
const CPIO = 'a cpio archive';

/** Source: the magic numbers of Linux's uapi/linux/magic.h, and the specification of each format. */
const SIGNATURES: readonly Signature[] = [
  { magic: 'hsqs', format: 'a squashfs file system' },
  { magic: 'sqsh', format: 'a squashfs file system' },
  { magic: '\x45\x3d\xcd\x28', format: 'a cramfs file system' },
  { magic: '-rom1fs-', format: 'a romfs file system' },
  { magic: 'XFSB', format: 'an XFS file system' },
  { offset: 1024, magic: '\xe2\xe1\xf5\xe0', format: 'an EROFS file system' },
  { offset: 1024, magic: '\x10\x20\xf5\xf2', format: 'an F2FS file system' },
  { offset: 1024, magic: 'H+', format: 'an HFS+ file system' },
  { offset: 1030, magic: '\x34\x34', format: 'a NILFS2 file system' },
  { offset: 1080, magic: '\x53\xef', format: EXT },
  { offset: 32_769, magic: 'CD001', format: 'an ISO 9660 file system' },
  { offset: 32_769, magic: 'BEA01', format: 'a UDF file system' },
  { offset: 65_600, magic: '_BHRfS_M', format: 'a btrfs file system' },
  { magic: 'LUKS\xba\xbe', format: 'an encrypted LUKS volume' },
  { magic: 'verity\0\0', format: 'a dm-verity hash tree' },
  { magic: 'QFI\xfb', format: 'a qcow2 disk image' },
  { magic: 'KDMV', format: 'a VMDK disk image' },
  { magic: 'vhdxfile', format: 'a VHDX disk image' },
  { offset: 512, magic: 'EFI PART', format: 'a disk image' },
  { offset: 32, magic: 'SIF_MAGIC', format: 'a SIF image of Singularity or Apptainer' },
  { magic: 'PK\x03\x04', format: 'a ZIP archive' },
  { magic: 'PK\x05\x06', format: 'an empty ZIP archive' },
  { magic: '7z\xbc\xaf\x27\x1c', format: 'a 7-Zip archive' },
  { magic: 'Rar!\x1a\x07', format: 'a RAR archive' },
  { magic: 'xar!', format: 'a xar archive' },
  { magic: '!<arch>\n', format: 'an ar archive' },
  { magic: '070701', format: CPIO },
  { magic: '070702', format: CPIO },
  { magic: '070707', format: CPIO },
  { magic: '\x04\x22\x4d\x18', format: 'LZ4 data' },
  { magic: '\x02\x21\x4c\x18', format: 'LZ4 data' },
  { magic: 'LZIP', format: 'lzip data' },
  { magic: '\x5d\0\0', format: 'LZMA data' },
  { magic: '\x1f\x9d', format: 'data of compress' },
  { magic: '\x1f\x8b', format: 'gzip data' },
  { magic: 'BZh', format: 'bzip2 data' },
  { magic: '\xfd7zXZ\0', format: 'xz data' },
  { magic: '\x28\xb5\x2f\xfd', format: 'zstd data' },
  { magic: 'age-encryption.org/', format: 'data encrypted by age' },
  { magic: '-----BEGIN ', format: 'PEM text' },
  { magic: 'Salted__', format: 'data encrypted by OpenSSL' },
  { magic: '\x7fELF', format: 'an ELF program' },
  { magic: '\0asm', format: 'a WebAssembly module' },
  { magic: '%PDF-', format: 'a PDF document' },
  { magic: 'SQLite format 3\0', format: 'an SQLite database' },
  { magic: 'GGUF', format: 'a GGUF model' },
  { magic: 'version https://git-lfs.github.com/', format: 'a pointer of git-lfs, not the file itself' },
  { magic: '\xff\xfe', format: 'UTF-16 text' },
  { magic: '\xfe\xff', format: 'UTF-16 text' },
];

/**
 * What bytes are that are not a tar archive, in words that follow "this is": `undefined` for what is not known.
 *
 * @param bytes a stretch of the file
 * @param position of the stretch in the file
 */
export function foreignFormat(bytes: Uint8Array, position = 0): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1024)).toString('latin1');
  const begins = ({ offset = 0, magic }: Signature) => offset >= position && text.startsWith(magic, offset - position);
  const known = SIGNATURES.find(begins)?.format;
  if (known !== undefined || position > 0) return known;
  if (/^(\xef\xbb\xbf)?\s*<(!doctype html|html)/i.test(text)) return 'an HTML page';
  if (/^(\xef\xbb\xbf)?\s*(\{\s*["}]|\[\s*[{[\]"])/.test(text)) return 'a JSON document';
  if (text.startsWith('\x55\xaa', 510)) return 'a disk image, or a file system with a boot sector';
  return undefined;
}
