import { createCipheriv } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layerOf } from './built-image.js';
import { docker25Archive, dockerArchive } from './docker-archive.js';
import { archiveOf, temporaryFolder } from './members.js';

/** Incompressible bytes, the same on every call. */
export function noise(size: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(size));
}

export interface SampleOptions {
  /** Size of the one large file, in bytes; its contents are incompressible. Default: no such file. */
  readonly large?: number;
  /** Default false: uncompressed layers. */
  readonly gzip?: boolean;
}

/**
 * An archive of one image: `etc/hello` contains `world`; a newer layer removes `etc/gone`.
 *
 * @returns its path; it is removed when the test is over
 */
export async function sampleImage(options: SampleOptions = {}): Promise<string> {
  const key = `${options.large} ${options.gzip ?? false}`;
  const first = made.get(key) ?? sampleArchive(options);
  if ((options.large ?? 0) <= KEPT) made.set(key, first);
  const path = join(await temporaryFolder(), 'image.tar');
  await writeFile(path, await first);
  return path;
}

/** In bytes. An archive with a larger file is made anew for each test. */
const KEPT = 8 * 2 ** 20;
/** Archives made before. Making one takes longer than most of what is done with it. */
const made = new Map<string, Promise<Buffer>>();

async function sampleArchive({ large, gzip }: SampleOptions): Promise<Buffer> {
  const base = await layerOf([
    ['etc/', { type: 'directory' }],
    ['etc/hello', 'world\n'],
    ['etc/gone', 'x'],
    ...(large === undefined ? [] : [['large', noise(large)] as const]),
  ]);
  const top = await layerOf({ 'etc/.wh.gone': '', 'etc/new': 'new\n' });
  const image = { tags: ['sample:latest'], layers: [base, top] };
  return archiveOf(gzip ? docker25Archive([image], { gzip: true }) : dockerArchive([image]));
}

/** Changes one byte in the contents of `etc/hello`, in an archive of uncompressed layers. @returns the archive */
export async function damaged(archive: string): Promise<string> {
  const file = await open(archive, 'r+');
  try {
    const at = (await file.readFile()).indexOf('world\n');
    await file.write('W', at);
  } finally {
    await file.close();
  }
  return archive;
}
