import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DimgxError } from '#dimgx/errors.js';
import { type SnapshotOptions, snapshot } from '#dimgx/snapshot/snapshot.js';
import { type VerifyOptions, verify } from '#dimgx/verify/verify.js';
import { dockerArchive } from './docker-archive.js';
import { archiveOf, temporaryFolder } from './members.js';
import { type RawEntry, rawLayer } from './raw-layer.js';
import { filesOf, hexOf } from './sample-bag.js';

/** Takes a snapshot of layers, oldest first. @returns the path of the bag */
export async function snapshotBag(
  layers: readonly (readonly RawEntry[])[],
  options: SnapshotOptions = {},
): Promise<string> {
  const folder = await temporaryFolder();
  const image = { layers: layers.map((layer) => rawLayer(layer)), tags: ['app:1'] };
  await writeFile(join(folder, 'image.tar'), await archiveOf(dockerArchive([image])));
  await snapshot(`docker-archive:${join(folder, 'image.tar')}`, join(folder, 'bag'), {
    compression: 'none',
    ...options,
  });
  return join(folder, 'bag');
}

/**
 * Changes a file of a bag, and then all manifests, so that the bag is in order as such.
 *
 * @param change gets and gives text with a character for each byte
 */
export async function tamper(bag: string, path: string, change: (text: string) => string): Promise<void> {
  const text = await readFile(join(bag, path), 'latin1');
  const changed = change(text);
  if (changed === text) throw new Error(`nothing was changed in ${path}`);
  await writeFile(join(bag, path), changed, 'latin1');
  await reseal(bag);
}

/** Writes the manifests of a bag anew, for the files as they are. */
export async function reseal(bag: string): Promise<void> {
  const contents = new Map<string, Buffer>();
  for (const path of await filesOf(bag)) contents.set(path, await readFile(join(bag, path)));
  const payload = [...contents].filter(([path]) => path.startsWith('data/'));
  const lines = (files: readonly (readonly [string, Buffer])[]) =>
    files.map(([path, bytes]) => `${hexOf(bytes)}  ${path}\n`).join('');
  const put = async (path: string, text: string) => {
    contents.set(path, Buffer.from(text));
    await writeFile(join(bag, path), text);
  };
  const size = payload.reduce((sum, [, bytes]) => sum + bytes.length, 0);
  const info = String(contents.get('bag-info.txt')).replace(
    /Payload-Oxum: .*/,
    `Payload-Oxum: ${size}.${payload.length}`,
  );
  await put('bag-info.txt', info);
  await put('manifest-sha256.txt', lines(payload));
  const tags = [...contents].filter(([path]) => !path.startsWith('data/') && !path.startsWith('tagmanifest-'));
  await put('tagmanifest-sha256.txt', lines(tags));
}

/** What is wrong with a snapshot or an image: a line for each problem, and one for the error that is thrown at last. */
export async function flawsOf(target: string, options: VerifyOptions = {}): Promise<readonly string[]> {
  const lines: string[] = [];
  try {
    for await (const { subject, ok, problem } of verify(target, options)) {
      if (ok !== (problem === undefined)) lines.push(`${subject} is both`);
      if (!ok) lines.push(`${subject}: ${problem}`);
    }
  } catch (failure) {
    if (!(failure instanceof DimgxError)) throw failure;
    const isExpected = lines.length > 0 && /^DIMGX_(?:BAG|IMAGE)_DAMAGED$/.test(failure.code);
    if (!isExpected) lines.push(`${failure.code}: ${failure.message}`);
  }
  return lines;
}
