import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DimgxError } from '#dimgx/errors.js';
import type { BuiltImage } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { flattenImage } from '../helpers/flatten-image.js';
import type { OpenStore } from '../helpers/image-stores.js';
import { inParallel } from '../helpers/in-parallel.js';
import { archiveOf } from '../helpers/members.js';
import { readTar } from '../helpers/read-tar.js';
import { isForEngines, JUDGES, type Judge, keptVerdicts } from './judges.js';
import { layersOf } from './outcome.js';
import { CASES } from './sections.js';

/** An image to load into a store, with one name. */
export interface StoredImage extends BuiltImage {
  readonly title: string;
}

/** The valid images of the conformance table. What else it has are forms of archives, which no store keeps. */
export const CASE_IMAGES: readonly StoredImage[] = CASES.flatMap(({ title, example }, number) =>
  'layers' in example && 'tree' in example && isForEngines(example)
    ? [{ title, layers: layersOf(example), tags: [`dimgx/case:${number}`] }]
    : [],
);

/** No user namespace has such owners. */
const HAS_LARGE_OWNERS = /^(?:10\.2|P10) /;

/**
 * Loads images: many at once, for time, and those that some engine refuses alone.
 *
 * @param folder for the archives
 * @returns the titles of those that the engine refuses
 */
export async function loadImages(
  store: OpenStore,
  images: readonly StoredImage[],
  folder: string,
): Promise<readonly string[]> {
  const verdicts = await Promise.all((Object.keys(JUDGES) as Judge[]).map(keptVerdicts));
  const isOdd = ({ title }: StoredImage) =>
    HAS_LARGE_OWNERS.test(title) || verdicts.some((verdict) => verdict[title] === 'refuses');
  const loadFrom = async (some: readonly StoredImage[], name: string) => {
    const archive = join(folder, `${name}.tar`);
    await writeFile(archive, await archiveOf(dockerArchive(some)));
    await store.load(archive);
  };
  await loadFrom(
    images.filter((image) => !isOdd(image)),
    'usual',
  );
  await inParallel(images.filter(isOdd), 2, (image) =>
    loadFrom([image], `odd-${image.title.replaceAll('/', '-')}`).catch(() => undefined),
  );
  const there = new Set(await store.names());
  return images.filter(({ tags = [] }) => !there.has(tags[0] as string)).map(({ title }) => title);
}

/**
 * Flattens images from a storage, every layer verified, and compares each flat tar and its warnings with those from an
 * archive of the image.
 *
 * @param referenceOf how dimgx opens an image from the storage
 * @returns how they differ, by title: those that are equal to the byte are left out
 */
export async function unlikeArchives(
  images: readonly StoredImage[],
  referenceOf: (image: StoredImage) => string,
  folder: string,
): Promise<Readonly<Record<string, string>>> {
  const archive = join(folder, 'one.tar');
  const differences: Record<string, string> = {};
  for (const image of images) {
    await writeFile(archive, await archiveOf(dockerArchive([image])));
    const expected = await outcomeOf(archive);
    const outcome = await outcomeOf(referenceOf(image));
    if (isDeepStrictEqual(outcome, expected)) continue;
    differences[image.title] = typeof outcome === 'string' ? outcome : difference(outcome, expected as Flat);
  }
  return differences;
}

interface Flat {
  readonly tar: Buffer;
  /** Codes of the warnings. */
  readonly codes: readonly string[];
}

async function outcomeOf(reference: string): Promise<Flat | string> {
  try {
    const { tar, warnings } = await flattenImage(reference);
    return { tar, codes: warnings.map(({ code }) => code) };
  } catch (failure) {
    if (failure instanceof DimgxError) return failure.code;
    throw failure;
  }
}

function difference({ tar, codes }: Flat, expected: Flat): string {
  const what = tar.equals(expected.tar) ? 'the same tar' : 'another tar';
  const tree = isDeepStrictEqual(readTar(tar), readTar(expected.tar)) ? 'the same tree' : 'ANOTHER TREE';
  return [what, tree, ...codes].join(', ');
}
