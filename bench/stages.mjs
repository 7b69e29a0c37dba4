import { mkdir, rm } from 'node:fs/promises';
import { expectedTree } from './check-tree.mjs';
import { Contenders } from './contenders.mjs';
import { distributionLayers } from './distribution-layers.mjs';
import { plainEntry } from './entry.mjs';
import { outOfOrderBytes } from './out-of-order.mjs';
import { inRandomOrder } from './random-order.mjs';
import { longPaths, manyEntries, manyLayers, manyWhiteouts, oneDirectory } from './scale-layers.mjs';
import { outputOf, quote } from './shell.mjs';
import { largeImage, sideBySide } from './stream-stages.mjs';
import { writeImage } from './write-image.mjs';

/** @typedef {import('./contest.mjs').Contender} Contender */
/** @typedef {import('./entry.mjs').Entry} Entry */
/** @typedef {import('./write-image.mjs').Form} Form */

/**
 * What a stage makes its inputs for.
 *
 * @typedef {object} Setting
 * @property {string} folder that is removed when the stage is over
 * @property {string} [disk] another, on a disk
 * @property {(contender: string) => boolean} wants
 * @property {(program: string) => boolean} has whether a program is on PATH
 * @property {boolean} quick small inputs
 */

/** Makes inputs, and all who work on them; only those that are wanted are of use. @typedef {(setting: Setting) => Promise<Record<string, Contender>>} Stage */

/** By name. The contenders of one stage are measured in turn. @type {Record<string, Stage>} */
export const STAGES = {
  distribution,
  evidence,
  smallFiles,
  fileSizes,
  entries: (setting) => growth(setting, manyEntries, { least: 60_000, small: 250_000, large: 1_000_000 }),
  layers: (setting) => growth(setting, manyLayers, { small: 60_000, large: 240_000 }),
  whiteouts: (setting) => growth(setting, manyWhiteouts, { small: 100_000, large: 400_000 }),
  directory: (setting) => growth(setting, oneDirectory, { small: 125_000, large: 500_000 }),
  largeImage,
  sideBySide,
  paths: (setting) => growth(setting, longPaths, { small: 10_000, large: 40_000 }),
};

/** Records of an image, and looks into it. @type {Stage} */
async function evidence({ folder, has, quick }) {
  const layers = distributionLayers(quick ? 0.1 : 1);
  const image = await writeImage(folder, layers, []);
  const expected = once(() => expectedTree(layers));
  const make = new Contenders(folder);
  const all = ['--provenance', '--sha256sums', '--mtree', '--bodyfile'];
  const [file] = layers[0]?.filter(({ type }) => type === 'file') ?? [];
  const path = quote(file?.path ?? '/');
  return {
    verified: make.flatten(image, expected),
    file: make.file(image, expected, image.archive),
    records: make.records(image, all),
    bodyfile: make.records(image, ['--bodyfile']),
    ...(has('mtree') && { byTools: slow(make.recordsByTools(image)) }),
    snapshot: make.snapshot(image),
    list: make.list(image),
    listTiny: make.list(await tinyImage(folder)),
    ls: make.look(image, 'ls --recursive', ''),
    history: make.look(image, 'history', path),
  };
}

/** @type {Stage} */
async function distribution({ folder, disk, wants, has, quick }) {
  const layers = distributionLayers(quick ? 0.1 : 1);
  const isGzip = ['gzip', 'gzipFile', 'gzipDisk', 'gzipUnpackedDisk', 'inflate'].some(wants);
  /** @type {Form[]} */
  const forms = isGzip ? ['gzipLayout'] : [];
  if (has('umoci') && wants('umoci')) forms.push('layout');
  if (has('crane') && wants('craneGzip')) forms.push('gzipArchive');
  const image = { ...(await writeImage(folder, layers, forms)), outOfOrder: outOfOrderBytes(layers) };
  const expected = once(() => expectedTree(layers));
  const { layout, gzipLayout, gzipArchive } = image.also;
  const make = new Contenders(folder);
  return {
    hashFloor: make.hashFloor(image),
    copy: make.copy(image),
    unverified: make.flatten(image, expected, { options: '--no-verify' }),
    verified: make.flatten(image, expected),
    library: make.library(image),
    cat: make.cat(image),
    pipeUnverified: make.pipe(image, expected, '--no-verify'),
    pipeVerified: make.pipe(image, expected),
    copyToFile: make.copyToFile(image),
    file: make.file(image, expected, image.archive),
    fileUnverified: make.file(image, expected, image.archive, '--no-verify'),
    list: make.list(image),
    listTiny: make.list(await tinyImage(folder)),
    ...(has('crane') && { crane: slow(make.crane(image, expected, image.archive)) }),
    ...(layout && {
      umoci: slow(make.umoci(image, expected, layout)),
      unpacked: slow(make.unpacked(image, expected, image.archive)),
    }),
    ...(gzipArchive && { craneGzip: slow(make.crane(image, expected, gzipArchive)) }),
    ...(gzipLayout && {
      inflate: slow(make.inflate(image)),
      gzip: slow(make.flatten(image, expected, { reference: `oci:${gzipLayout}` })),
      gzipFile: slow(make.file(image, expected, `oci:${gzipLayout}`)),
    }),
    ...(disk && (await onDisk({ image, layers, expected }, folder, disk, wants))),
    ...(gzipLayout && has('umoci') && { umociGzip: slow(make.umoci(image, expected, gzipLayout)) }),
  };
}

/**
 * What differs where temporary files, or the output, lie on a disk.
 *
 * @param {{ image: import('./write-image.mjs').WrittenImage, layers: Entry[][], expected: import('./contenders.mjs').Expected }} sorted
 * @param {string} folder
 * @param {string} disk
 * @param {(contender: string) => boolean} wants
 */
async function onDisk({ image, layers, expected }, folder, disk, wants) {
  const make = new Contenders(disk);
  /** @type {Record<string, Contender>} */
  const contenders = {};
  /** @param {import('./write-image.mjs').WrittenImage} from @param {string} title */
  const flatten = (from, title) => {
    const contender = make.flatten(from, expected, { reference: `oci:${from.also.gzipLayout}` });
    return slow({ ...contender, title: `${contender.title}, ${title}` });
  };
  if (image.also.gzipLayout) contenders.gzipDisk = flatten(image, 'on a disk');
  if (wants('randomOrder')) {
    const order = inRandomOrder(layers);
    await mkdir(`${folder}/random-order`);
    const other = await writeImage(`${folder}/random-order`, order, ['gzipLayout']);
    await rm(other.archive); // nobody reads it here
    const random = { ...other, outOfOrder: outOfOrderBytes(order) };
    contenders.randomOrder = { ...flatten(random, 'on a disk, random order'), watched: disk };
  }
  if (wants('untar')) {
    const flat = `${disk}/flat.tar`;
    await outputOf(`${make.dimgx()} -t ${quote(flat)} ${quote(image.archive)} && sync ${quote(flat)}`);
    contenders.untar = slow(make.untar(image, expected, flat));
    contenders.unpackedDisk = slow(make.unpacked(image, expected, image.archive));
    if (image.also.gzipLayout)
      contenders.gzipUnpackedDisk = slow(make.unpacked(image, expected, `oci:${image.also.gzipLayout}`));
  }
  return contenders;
}

/** @type {Stage} */
async function smallFiles({ folder, quick }) {
  const layers = distributionLayers(quick ? 0.16 : 1.7, () => 100);
  const image = await writeImage(folder, layers);
  const expected = once(() => expectedTree(layers));
  const make = new Contenders(folder);
  return { tarStream: make.tarStream(image, expected), verified: make.flatten(image, expected) };
}

/** The same entries, files of 1 KiB and of 16 KiB. @type {Stage} */
async function fileSizes({ folder, quick }) {
  const make = new Contenders(folder);
  /** @param {string} name @param {number} size */
  const flatten = async (name, size) => {
    const layers = distributionLayers(quick ? 0.1 : 1, () => size);
    await mkdir(`${folder}/${name}`);
    return make.flatten(
      await writeImage(`${folder}/${name}`, layers),
      once(() => expectedTree(layers)),
    );
  };
  return { small: await flatten('small', 2 ** 10), large: await flatten('large', 2 ** 14) };
}

/** @param {Setting} setting @param {import('./scale-layers.mjs').MakeLayers} makeLayers @param {Record<string, number>} sizes in entries */
async function growth({ folder, quick, wants }, makeLayers, sizes) {
  const make = new Contenders(folder);
  const { title, command } = make.flatten(await tinyImage(folder), () => expectedTree(TINY));
  /** @type {Record<string, Contender>} */
  const contenders = { tiny: slow({ title, command }) };
  for (const [name, entries] of Object.entries(sizes).filter(([size]) => wants(size))) {
    const layers = makeLayers(quick ? entries / 10 : entries);
    await mkdir(`${folder}/${name}`);
    const image = await writeImage(`${folder}/${name}`, layers);
    const expected = once(() => expectedTree(layers));
    contenders[name] = slow(make.flatten(image, expected));
  }
  return contenders;
}

/** There is no time for more than three rounds of it. @param {Contender} contender @returns {Contender} */
function slow(contender) {
  return { ...contender, slow: true };
}

const TINY = [[plainEntry('etc', 'directory')]];

/** What it takes to start is measured on it. @param {string} folder */
async function tinyImage(folder) {
  await mkdir(`${folder}/tiny`);
  return await writeImage(`${folder}/tiny`, TINY);
}

/** @template Value @param {() => Value} make @returns {() => Value} */
function once(make) {
  /** @type {{ value: Value } | undefined} */
  let made;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
