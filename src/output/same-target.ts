import { type BigIntStats, fstat } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { unwritable } from '../base/io/unwritable.js';
import { quoted } from '../base/text/printable.js';
import { DimgxError, isSystemError } from '../errors.js';
import type { Destination } from './destination.js';

const statDescriptor = promisify(fstat);

interface Labelled {
  /** What the caller calls it. */
  readonly label: string;
  readonly destination: Destination;
}

/**
 * Checks that no two outputs are the same file, FIFO, block device, descriptor or stream, whatever leads to it: symlinks,
 * hard links or redirections. Character devices such as `/dev/null` may be given several times.
 *
 * @throws DIMGX_TARGET_SAME, which names the first two that are the same; DIMGX_TARGET_UNWRITABLE
 */
export async function refuseSame(outputs: readonly Labelled[]): Promise<void> {
  if (outputs.length < 2) return;
  const byMark = new Map<unknown, Labelled>();
  for (const output of outputs) {
    const marks = await marksOf(output.destination);
    for (const other of marks.map((mark) => byMark.get(mark))) if (other) throw sameOutputs(other, output);
    for (const mark of marks) byMark.set(mark, output);
  }
}

/**
 * The error of two outputs of one run that are the same.
 *
 * @param place what both write; printable
 */
export function sameTarget(first: string, second: string, place: string): DimgxError {
  const message = `${first} and ${second} both write to ${place}: choose another place for one of them`;
  return new DimgxError('DIMGX_TARGET_SAME', message);
}

/** Identifies a file on this machine, whatever its names are. */
export function inodeOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** What identifies a destination. Two that have a mark in common are the same. */
async function marksOf(destination: Destination): Promise<readonly (string | Writable)[]> {
  if (destination.kind === 'descriptor') return marksOfDescriptor(destination.fd);
  if (destination.kind === 'stream') {
    const { stream } = destination.stream;
    const { fd } = stream as { fd?: unknown }; // of a file, of standard output and standard error
    return [stream, ...(typeof fd === 'number' ? await marksOfDescriptor(fd) : [])];
  }
  const { path } = destination;
  try {
    return marksOfFile(await stat(path, { bigint: true }));
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [await markOfName(path)];
    throw unwritable(path, error);
  }
}

/** One that is not open is found out when it is written. */
async function marksOfDescriptor(fd: number): Promise<readonly string[]> {
  const stats = await statDescriptor(fd, { bigint: true }).catch(() => undefined);
  return [`descriptor ${fd}`, ...(stats ? marksOfFile(stats) : [])];
}

function marksOfFile(stats: BigIntStats): readonly string[] {
  if (stats.isCharacterDevice()) return [];
  return [stats.isBlockDevice() ? `device ${stats.rdev}` : `file ${inodeOf(stats)}`];
}

/** A new file has no inode yet, but its folder has. The same folder may be mounted at several paths. */
async function markOfName(path: string): Promise<string> {
  const folder = await stat(dirname(path), { bigint: true }).catch((error: unknown) => {
    throw unwritable(path, error);
  });
  return `name ${inodeOf(folder)} ${basename(path)}`;
}

function sameOutputs(first: Labelled, second: Labelled): DimgxError {
  const [a, b] = [placeOf(first.destination), placeOf(second.destination)];
  const place = a === b ? a : `the same place, ${a} and ${b}`;
  return sameTarget(first.label, second.label, place);
}

function placeOf({ kind, name }: Destination): string {
  if (kind === 'stream') return 'the stream';
  return kind === 'descriptor' && name === 'standard output' ? name : quoted(name);
}
