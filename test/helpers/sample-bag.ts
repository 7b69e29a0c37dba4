import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BagFolder } from '#dimgx/evidence/bag/bag-folder.js';
import type { BagFacts } from '#dimgx/evidence/bag/tag-files.js';
import { temporaryFolder } from './members.js';

/** The payload of a bag of a snapshot, by paths below `data/`. */
export const SNAPSHOT = {
  'rootfs.tar': 'the tar of the tree',
  'hidden.tar': 'the tar of what is hidden',
  'provenance.jsonl': '{"format":"dimgx-provenance/1"}\n',
  sha256sums: '',
  'rootfs.mtree': '#mtree\n',
  'rootfs.body': '0|/|1|d/drwxr-xr-x|0|0|0|0|0|0|0\n',
  'image/manifest.json': '{}',
  'image/config.json': '{"rootfs":{}}',
};

export const FACTS: BagFacts = {
  date: new Date('2026-03-01T23:59:59Z'),
  softwareAgent: 'dimgx 2.0.0',
  identifiers: ['docker-daemon:app:1', `sha256:${'0'.repeat(64)}`],
};

/** Makes a bag. @returns its path */
export async function sampleBag(facts: Partial<BagFacts> = {}): Promise<string> {
  const path = join(await temporaryFolder(), 'bag');
  const folder = await BagFolder.create(path);
  for (const [name, contents] of Object.entries(SNAPSHOT)) await folder.write(name, Buffer.from(contents));
  await folder.complete({ ...FACTS, ...facts }, [{ name: 'snapshot.json', bytes: Buffer.from('{"a":1}\n') }]);
  return path;
}

/** Writes files into a new folder, by their paths, as they stand. @returns the folder */
export async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = join(await temporaryFolder(), 'bag');
  for (const [path, contents] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), contents);
  }
  return folder;
}

export function hexOf(contents: string | Uint8Array, algorithm = 'sha256'): string {
  return createHash(algorithm).update(contents).digest('hex');
}

export interface HandMadeBag {
  readonly version?: string;
  /** By paths below `data/`. Default: `a` and `b`. */
  readonly payload?: Readonly<Record<string, string>>;
  /** Further files, which replace those of the same path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Default: sha256. */
  readonly algorithms?: readonly string[];
  /** Adds to each payload manifest. */
  readonly lines?: string;
}

/** Writes a bag by hand. Its tag manifests list all files at its top. @returns its path */
export async function handMadeBag(bag: HandMadeBag = {}): Promise<string> {
  const { version = '1.0', payload = { a: 'one', b: 'two' }, algorithms = ['sha256'], lines = '' } = bag;
  const paths = Object.entries(payload).map(([path, contents]) => [`data/${path}`, contents] as const);
  const manifest = (algorithm: string) =>
    paths.map(([path, contents]) => `${hexOf(contents, algorithm)}  ${path}\n`).join('') + lines;
  const tags: Record<string, string | Uint8Array> = {
    'bagit.txt': `BagIt-Version: ${version}\nTag-File-Character-Encoding: UTF-8\n`,
    ...Object.fromEntries(algorithms.map((algorithm) => [`manifest-${algorithm}.txt`, manifest(algorithm)])),
    ...bag.files,
  };
  const seals = algorithms.map((algorithm): [string, string] => {
    const listed = Object.entries(tags).filter(
      ([path]) => !path.startsWith('data/') && !path.startsWith('tagmanifest-'),
    );
    const text = listed.map(([path, contents]) => `${hexOf(contents, algorithm)}  ${path}\n`).join('');
    return [`tagmanifest-${algorithm}.txt`, text];
  });
  return folderOf({ ...Object.fromEntries(paths), ...Object.fromEntries(seals), ...tags });
}

/** Paths of all files of a bag, in the order of their bytes. */
export async function filesOf(bag: string): Promise<readonly string[]> {
  const entries = await readdir(bag, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(bag.length + 1)).sort();
}

/** Flips one bit of a file. */
export async function flipBit(path: string, bit: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  await writeFile(path, bytes);
}
