import { compareTrees, folderTree, tarTree } from './check-tree.mjs';
import { Contenders, remark, script } from './contenders.mjs';
import { NODE_THREADS } from './machine.mjs';
import { FIRST_BYTE, outputOf, quote } from './shell.mjs';

/** @typedef {import('./contest.mjs').Contender} Contender */

/**
 * @typedef {object} Setting
 * @property {string} folder for what they make
 * @property {string} name of the image, in the registry
 * @property {import('./write-image.mjs').WrittenImage} image the same
 * @property {import('./check-tree.mjs').Summary} expected
 */

/**
 * Who takes part when an image comes from a registry. All but the runs from the cache start with nothing: what they keep
 * is in the folder that is removed after each run.
 *
 * @param {Setting} setting
 * @param {(program: string) => boolean} has
 * @returns {Promise<Map<string, Contender>>}
 */
export async function registryContenders(setting, has) {
  /** @type {[string, Contender][]} */
  const contenders = [['cold', cold(setting)]];
  if (has('umoci')) contenders.push(['skopeo', skopeoAndUmoci(setting)]);
  if (has('crane')) contenders.push(['crane', crane(setting)]);
  contenders.push(['inflate', inflate(setting)], ['inflateTuned', inflateTuned(setting)]);
  contenders.push(['inflateOne', new Contenders(setting.folder).inflate(setting.image)]);
  contenders.push(['warm', await warm(setting)], ['offline', offline(setting)], ['offlinePipe', offlinePipe(setting)]);
  return new Map(contenders.map(([name, contender]) => [name, { ...contender, slow: true }]));
}

/** @param {Setting} setting @returns {Contender} */
function cold({ folder, name, image, expected }) {
  const output = `${folder}/cold`;
  const flat = quote(`${output}/flat.tar`);
  const command = `mkdir ${quote(output)} && ${dimgx(folder, `${output}/cache`)} -t ${flat} docker://${name}`;
  const check = () => matches(`${command} && cat ${flat} && rm -r ${quote(output)}`, expected);
  return { title: 'dimgx docker://… to a file', command, output, check, image };
}

/** @param {Setting} setting @returns {Contender} */
function skopeoAndUmoci({ folder, name, image, expected }) {
  const output = `${folder}/unpacked`;
  const layout = quote(`${output}/layout:1`);
  const rootless = process.getuid?.() === 0 ? '' : '--rootless';
  const copy = `skopeo --insecure-policy copy --quiet --src-tls-verify=false docker://${name} oci:${layout}`;
  const unpack = `umoci raw unpack ${rootless} --image ${layout} ${quote(`${output}/rootfs`)}`;
  const command = `mkdir ${quote(output)} && ${copy} && ${unpack}`;
  const check = async () => {
    const tree = await folderTree(command, `${output}/rootfs`);
    await outputOf(`rm -r ${quote(output)}`);
    return remark(tree, expected);
  };
  return { title: 'skopeo copy, umoci raw unpack', command, output, check, image };
}

/** @param {Setting} setting @returns {Contender} */
function crane({ folder, name, image, expected }) {
  const output = `${folder}/crane.tar`;
  const command = `TMPDIR=${quote(folder)} crane export --insecure ${name} ${quote(output)}`;
  const check = async () =>
    remark(await tarTree(`${command} && cat ${quote(output)} && rm ${quote(output)}`), expected);
  return { title: 'crane export to a file', command, output, check, image };
}

/** @param {Setting} setting @returns {Contender} */
function inflate({ image }) {
  const command = `${script('plain-inflate-parallel.mjs')} ${image.gzipBlobs.map(quote).join(' ')}`;
  const check = async () => {
    const bytes = (await outputOf(command)).split('\n').reduce((sum, line) => sum + Number(line), 0);
    if (bytes !== image.layerBytes) throw new Error(`inflated ${bytes} bytes, should be ${image.layerBytes}`);
  };
  return { title: 'plain inflate, all processors', command, check, image };
}

/** The same where no more of Node's threads inflate than there are processors. @param {Setting} setting @returns {Contender} */
function inflateTuned(setting) {
  const plain = inflate(setting);
  return { ...plain, title: `${plain.title}, ${NODE_THREADS}`, command: `${NODE_THREADS} ${plain.command}` };
}

/** From the cache that a run before it has filled. @param {Setting} setting @returns {Promise<Contender>} */
async function warm(setting) {
  const contender = cached(setting, '');
  await outputOf(contender.command);
  return contender;
}

/** The same without a word to the registry. @param {Setting} setting @returns {Contender} */
function offline(setting) {
  return cached(setting, '--offline');
}

/** The same through a pipe. @param {Setting} setting @returns {Contender} */
function offlinePipe({ folder, name, image }) {
  const command = `${dimgx(folder, `${folder}/cache`)} --offline -t - docker://${name} | ${FIRST_BYTE}`;
  return { title: 'dimgx --offline docker://… \\| cat', command, image };
}

/** @param {Setting} setting @param {string} options @returns {Contender} */
function cached({ folder, name, image, expected }, options) {
  const command = `${dimgx(folder, `${folder}/cache`)} ${options}`;
  const check = () => matches(`${command} -t - docker://${name}`, expected);
  const title = ['dimgx', options, 'docker://…'].filter(Boolean).join(' ');
  return { title, command: `${command} -t /dev/null docker://${name}`, check, image };
}

/** @param {string} folder @param {string} cache */
function dimgx(folder, cache) {
  return `DIMGX_CACHE=${quote(cache)} ${new Contenders(folder).dimgx()}`;
}

/** @param {string} command that writes a tar @param {import('./check-tree.mjs').Summary} expected */
async function matches(command, expected) {
  compareTrees(await tarTree(command), expected, command);
}
