import { basename, dirname } from 'node:path';
import { printable, quoted, shellWord } from '../../base/text/printable.js';
import type { CompressionName } from '../../compression/codecs.js';
import { DimgxError } from '../../errors.js';
import { type ForeignFormat, type FormatKind, foreignFormat } from '../../tar/foreign-format.js';
import { BLOCK, isZeroBlock } from '../../tar/header.js';
import { checkSum } from '../../tar/read-header.js';
import { FORM_MARKS } from '../form/forms.js';

/** Where an archive comes from. */
export interface ArchivePlace {
  /** Printable. */
  readonly location: string;
  /** Whether the location is the path of a file that can be passed to a command. */
  readonly isPath: boolean;
}

/** A file that is supposed to be the archive of an image. */
interface GivenFile extends ArchivePlace {
  /** The compression that the file had. */
  readonly compression: CompressionName;
}

const SAVE = 'docker save -o FILE NAME';

/** What to do, by what the file is. */
const ADVICE: Readonly<
  Record<Exclude<FormatKind, 'compressed' | 'compressed twice' | 'archive' | 'JSON' | 'other'>, string>
> = {
  'file system': 'mount or unpack it as such; it is not made of layers',
  disk: 'it belongs to a virtual machine, not to a container',
  package: 'install or unpack it as such; dimgx reads images of containers',
  encrypted: 'decrypt it first',
  damaged: `a shell or a program rewrote the bytes as text, as PowerShell's ">" does, and damaged them: save the image again with ${SAVE}`,
  page: 'a server sent it in place of the file, perhaps to ask for a login or to report an error; download the file again',
  text: 'perhaps a program wrote an error message into it; save or download the image again',
  pointer: 'fetch the file with git lfs pull',
  SIF: 'give dimgx the image that it was built from',
};

/** Kinds that begin with text a person can read. */
const READABLE: readonly FormatKind[] = ['page', 'text', 'JSON'];

/** How much of a text to show, in characters. */
const SHOWN = 80;

/**
 * The error for a file that is not a tar archive. It says what the file is and what to do.
 *
 * @param head first bytes after decompression: `FORMAT_LENGTH` of them if there are that many
 * @param cause the error of the tar reader
 */
export function foreignFile(head: Uint8Array, file: GivenFile, cause: DimgxError): DimgxError {
  const { location } = file;
  const format = foreignFormat(head);
  if (format === undefined) return cause.retold(`${location} cannot be read as an archive: ${cause.message}`);
  if (format.kind === 'compressed twice') {
    const once = `decompress it once${command(file.compression === 'none' ? undefined : `${file.compression} -dc`, file)}`;
    return cause.retold(`${location} is compressed twice: it decompresses to ${format.name}; ${once}`);
  }
  const isPlain = file.compression === 'none';
  const what = isPlain ? `is ${format.name}, not` : `decompresses to ${format.name}, not to`;
  const begin = READABLE.includes(format.kind) ? `; it begins with ${quoted(firstWords(head))}` : '';
  return cause.retold(`${location} ${what} an image archive: ${advice(format, file)}${begin}`);
}

/**
 * Refuses a file by its first bytes, before the rest is read.
 *
 * @throws DIMGX_TAR_NOT_A_TAR when the first block is neither a header nor zeros; less than a block is not judged
 */
export function refuseForeign(head: Uint8Array, file: GivenFile): void {
  if (head.length < BLOCK || isZeroBlock(head, 0)) return;
  try {
    checkSum(head, 0);
  } catch (cause) {
    const shown = Buffer.from(head.subarray(0, 8)).toString('hex');
    const message = `this is not a tar archive, and not compressed in a format that dimgx knows: it begins with ${shown}`;
    throw foreignFile(head, file, new DimgxError('DIMGX_TAR_NOT_A_TAR', message, { cause }));
  }
}

function advice(format: ForeignFormat, file: GivenFile): string {
  const { kind, program } = format;
  switch (kind) {
    case 'compressed':
      return `decompress it first${command(file.compression === 'none' ? program : undefined, file)}`;
    case 'archive':
      return `unpack it first${program === undefined ? '' : ` with ${program}`}, and give dimgx the image in it`;
    case 'JSON':
      if (file.isPath && FORM_MARKS.includes(basename(file.location))) {
        return `give dimgx the directory around it: dimgx ${shellWord(dirname(file.location))}`;
      }
      return 'perhaps it is one document of an image, or the answer of a server; give dimgx the whole image';
    case 'compressed twice':
    case 'other':
      return `make one with ${SAVE}`;
    default:
      return ADVICE[kind];
  }
}

/** A command that decompresses the file for dimgx, to append to advice. */
function command(program: string | undefined, { location, isPath }: GivenFile): string {
  if (program === undefined) return '';
  return isPath ? `: ${program} ${shellWord(location)} | dimgx -` : ` with ${program}`;
}

function firstWords(head: Uint8Array): string {
  const text = Buffer.from(head.subarray(0, 4 * SHOWN))
    .toString()
    .replace(/^\ufeff/, '');
  return printable(text.replace(/\s+/g, ' ').trim(), SHOWN);
}

/** How many bytes are searched for damage by a conversion to text, and how many replacement characters it takes. */
export const SEARCHED_FOR_TEXT = 2 ** 20;
const LEAST_REPLACED = 4;

/**
 * Text to append to the error for a damaged archive, if it contains the character that UTF-8 decoders put in place of
 * invalid bytes; otherwise empty.
 */
export function textDamage(head: Uint8Array): string {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  let found = 0;
  for (let at = bytes.indexOf('\ufffd'); at >= 0 && found < LEAST_REPLACED; at = bytes.indexOf('\ufffd', at + 3))
    found += 1;
  return found < LEAST_REPLACED ? '' : `; perhaps ${ADVICE.damaged}`;
}

/** Names at the top of root filesystems of Linux and Windows, and never at the top of images. */
const TOP = /^(bin|sbin|usr|etc|lib|lib32|lib64|libx32|proc|sys|dev|var|\.dockerenv|Files|Hives)$/;

/** How many of the names at the top are those of a root filesystem. */
export function rootNames(names: Iterable<string>): number {
  let count = 0;
  for (const name of names) if (TOP.test(name)) count += 1;
  return count;
}

/** The message about an archive of a root filesystem. */
export function flatAlready(location: string): string {
  const what = `${location} is a root filesystem (rootfs) or a single layer, not an image`;
  return `${what}: it is flat already, so extract it with tar; an image comes from docker save, not from docker export`;
}
