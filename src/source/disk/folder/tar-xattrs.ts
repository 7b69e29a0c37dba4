import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ByteName, OpenFolder } from '../../../base/io/open-folder.js';
import { printable } from '../../../base/text/printable.js';
import { DimgxError, isSystemError } from '../../../errors.js';
import type { TarEntry } from '../../../tar/entry.js';
import { isXattr, xattrName } from '../../../tar/portable-record.js';
import { TarStreamScan } from '../../../tar/scan.js';
import type { Xattrs } from './xattrs.js';

/** Source: GNU tar's manual, Extended File Attributes. Files in the list that are folders are not descended into. */
const ARGUMENTS = [
  ...['--create', '--file=-', '--format=posix', '--xattrs', '--xattrs-include=*', '--no-recursion'],
  ...['--ignore-failed-read', '--warning=none', '--null', '--verbatim-files-from'],
  ...['--directory=/proc/self/fd/3', '--files-from=-'],
];

/** Longest message of the program that is kept, in bytes. */
const MAX_MESSAGE = 4096;

/**
 * Reads extended attributes by the program GNU tar.
 *
 * @throws DIMGX_SOURCE_UNSUPPORTED if there is no such program; DIMGX_SOURCE_UNREADABLE if it fails
 */
export async function xattrsByTar(
  folder: OpenFolder,
  names: readonly ByteName[],
): Promise<ReadonlyMap<ByteName, Xattrs>> {
  const found = new Map<ByteName, Xattrs>();
  if (names.length === 0) return found;
  const scan = new TarStreamScan(({ name, pax }: TarEntry) => {
    const records = pax
      .filter(isXattr)
      .map((record) => [unescaped(xattrName(record) ?? ''), Buffer.from(record.value)] as const);
    if (records.length > 0)
      found.set(
        Buffer.from(name)
          .toString('latin1')
          .replace(/^\.\/|\/$/g, ''),
        new Map(records),
      );
  });
  const tar = startTar(folder);
  const ended = once(tar, 'close').catch((cause: unknown) => {
    throw isSystemError(cause, 'ENOENT') ? noReader(cause) : cause;
  });
  ended.catch(() => undefined);
  let said = '';
  tar.stderr.on('data', (text: Buffer) => {
    said = `${said}${text}`.slice(0, MAX_MESSAGE);
  });
  tar.stdin.on('error', () => undefined); // it ends with the program
  tar.stdin.end(Buffer.from(names.map((name) => `./${name}\0`).join(''), 'latin1'));
  for await (const piece of tar.stdout) scan.push(piece as Buffer);
  const [code] = await ended;
  if (code !== 0) {
    const message = `extended attributes cannot be read: tar ended with ${code}: ${printable(said.trim(), 300)}`;
    throw new DimgxError('DIMGX_SOURCE_UNREADABLE', message);
  }
  scan.finish();
  return found;
}

/** GNU tar writes the `=` of names as `%3D`, too. */
function unescaped(name: string): string {
  return name.replaceAll('%3D', '=');
}

/** The program, with the folder as its descriptor 3. */
function startTar(folder: OpenFolder): ChildProcessWithoutNullStreams {
  const env = { ...process.env, LC_ALL: 'C' };
  const stdio = ['pipe', 'pipe', 'pipe', folder.fd] as const;
  return spawn('tar', ARGUMENTS, { stdio: [...stdio], env }) as ChildProcessWithoutNullStreams;
}

function noReader(cause: unknown): DimgxError {
  const message =
    "reading the extended attributes of a container needs the package @napi-rs/xattr, which is missing or has no build for this system, or GNU's tar: npm install @napi-rs/xattr, or install tar";
  return new DimgxError('DIMGX_SOURCE_UNSUPPORTED', message, { cause });
}
