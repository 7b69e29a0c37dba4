import { type BigIntStats, close, constants, fstat, open, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import type { ByteSource, OnPiece } from '../../base/io/byte-source.js';
import { DescriptorFile } from '../../base/io/held-file.js';
import { openFiles } from '../../base/io/open-file-table.js';
import { PathFile } from '../../base/io/path-file.js';
import { type Region, readBuffer, readRegion } from '../../base/io/region.js';
import { SocketSource } from '../../base/io/socket-source.js';
import { printable } from '../../base/text/printable.js';
import { compressionOf, readStart } from '../../compression/packed-region.js';
import { DimgxError, throwIfAborted } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import { FORMAT_LENGTH } from '../../tar/foreign-format.js';
import { ArchiveFiles } from './archive-files.js';
import { DirectoryFiles } from './directory-files.js';
import type { Files } from './files.js';
import { type ArchivePlace, foreignFile, SEARCHED_FOR_TEXT, textDamage } from './foreign-file.js';
import { PackedContents } from './packed-contents.js';
import { PlainContents } from './plain-contents.js';
import { type SpooledArchive, spoolArchive } from './spool-archive.js';

const openDescriptor = promisify(open);
const closeDescriptor = promisify(close);
const statDescriptor = promisify(fstat);

const STANDARD_INPUT = 0;
const READ_SIZE = 2 ** 20;

/**
 * Opens what a path names: a directory, an archive, or a FIFO that delivers an archive. An archive that cannot be read
 * by position, because it is compressed or comes from a FIFO, is spooled first.
 *
 * @throws DIMGX_SOURCE_NOT_AN_IMAGE for a device or a socket; DIMGX_TAR_*; what `spoolArchive` throws; system errors
 */
export async function openPath(path: string, context: OpenContext): Promise<Files> {
  const stats = await stat(path);
  if (stats.isDirectory()) return DirectoryFiles.at(path);
  const location = printable(path);
  refuseOthers(stats, location);
  // Without blocking: a FIFO that has no writer yet, or that has replaced a file, must not block a thread.
  const fd = await openFiles.makeRoomFor(() => openDescriptor(path, constants.O_RDONLY | constants.O_NONBLOCK));
  const opened = await statDescriptor(fd, { bigint: true });
  if (opened.isFIFO()) return spoolAndScan(socketSource(fd, context), { location, isPath: false }, context);
  if (!opened.isFile()) {
    await closeDescriptor(fd);
    refuseOthers(opened, location);
  }
  const file = new PathFile({ path: resolve(path), identity: opened, isLink: true }, fd);
  context.resources.adoptFile(file);
  return openArchive({ file, offset: 0, length: Number(opened.size) }, { location, isPath: true }, context);
}

/**
 * Opens the archive on standard input. A file is read by position; a pipe is spooled.
 *
 * @throws DIMGX_SOURCE_TERMINAL, and as `openPath`
 */
export async function openStandardInput(context: OpenContext): Promise<Files> {
  const location = 'standard input';
  const stats = await statDescriptor(STANDARD_INPUT, { bigint: true });
  if (isatty(STANDARD_INPUT)) {
    throw new DimgxError(
      'DIMGX_SOURCE_TERMINAL',
      `${location} is a terminal: pipe an archive in, like docker save NAME | dimgx -`,
    );
  }
  if (stats.isFile()) {
    const file = new DescriptorFile({ fd: STANDARD_INPUT, modified: stats.mtimeNs });
    context.resources.adoptFile(file);
    return openArchive({ file, offset: 0, length: Number(stats.size) }, { location, isPath: false }, context);
  }
  if (!stats.isFIFO() && !stats.isSocket()) refuseOthers(stats, location);
  return spoolAndScan(socketSource(STANDARD_INPUT, context), { location, isPath: false }, context);
}

async function openArchive(archive: Region, place: ArchivePlace, context: OpenContext): Promise<Files> {
  const compression = await compressionOf(archive);
  if (compression === 'none') return scan({ archive, compression, isPacked: false }, place, context);
  return spoolAndScan(regionSource(archive, context), place, context, { archive, compression });
}

function socketSource(fd: number, { signal }: OpenContext): ByteSource {
  return new SocketSource((reading) => new Socket({ fd, readable: true, writable: false, ...reading }), signal);
}

/** Not a stream of `node:fs`: such a stream closes its descriptor when it is destroyed, even that of standard input. */
function regionSource(archive: Region, { signal }: OpenContext): ByteSource {
  const read = readRegion(archive);
  const forEachPiece = async (onPiece: OnPiece) => {
    const buffer = readBuffer(READ_SIZE);
    for (let at = 0; at < archive.length; at += READ_SIZE) {
      throwIfAborted(signal);
      const piece = buffer.subarray(0, Math.min(READ_SIZE, archive.length - at));
      await read(piece, at);
      await onPiece(piece);
    }
  };
  return { forEachPiece, destroy: () => undefined };
}

/** Spools the archive that a source delivers, and opens it. */
export function openSource(source: ByteSource, location: string, context: OpenContext): Promise<Files> {
  return spoolAndScan(source, { location, isPath: false }, context);
}

async function spoolAndScan(...[source, place, context, stored]: Parameters<typeof spoolArchive>): Promise<Files> {
  return scan(await spoolArchive(source, place, context, stored), place, context);
}

async function scan(
  { archive, compression, isPacked }: SpooledArchive,
  place: ArchivePlace,
  context: OpenContext,
): Promise<Files> {
  const { location } = place;
  if (archive.length === 0) {
    const what = place.isPath || compression !== 'none' ? 'nothing was saved into it' : 'no data came';
    throw new DimgxError('DIMGX_SOURCE_NOT_AN_IMAGE', `${location} is empty: ${what}`);
  }
  const contents = isPacked
    ? new PackedContents(archive, compression, location, context)
    : new PlainContents(archive, location, context);
  try {
    return await ArchiveFiles.scan(contents, location);
  } catch (cause) {
    if (!(cause instanceof DimgxError) || !cause.code.startsWith('DIMGX_TAR_')) throw cause;
    const isForeign = cause.code === 'DIMGX_TAR_NOT_A_TAR';
    const length = Math.min(isForeign ? FORMAT_LENGTH : SEARCHED_FOR_TEXT, contents.length);
    const head = await readStart(contents.find({ offset: 0, length }), length);
    if (isForeign) throw foreignFile(head, { ...place, compression }, cause);
    throw cause.retold(`${location} is a damaged archive: ${cause.message}${textDamage(head)}`);
  }
}

function refuseOthers(stats: Stats | BigIntStats, location: string): void {
  if (stats.isFile() || stats.isFIFO()) return;
  const what = stats.isSocket() ? 'a socket' : 'a device';
  throw new DimgxError('DIMGX_SOURCE_NOT_AN_IMAGE', `${location} is ${what}, not an archive`);
}
