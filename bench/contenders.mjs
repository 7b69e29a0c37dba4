import { fileURLToPath } from 'node:url';
import { compareTrees, folderTree, tarTree } from './check-tree.mjs';
import { outputOf, quote } from './shell.mjs';

/** @typedef {import('./contest.mjs').Contender} Contender */
/** @typedef {import('./write-image.mjs').Image} Image */
/** @typedef {import('./write-image.mjs').WrittenImage} WrittenImage */
/** @typedef {() => import('./check-tree.mjs').Summary} Expected */

/** @param {string} name of a program of this folder */
export function script(name) {
  return `$NODE ${quote(fileURLToPath(new URL(name, import.meta.url)))}`;
}

/** Makes contenders, whose files all lie in one folder. */
export class Contenders {
  #folder;
  #prefix;
  /** @type {Map<string, Promise<void>>} */
  #checked = new Map();

  /** @param {string} folder @param {string} [prefix] a command that runs dimgx */
  constructor(folder, prefix = '') {
    this.#folder = folder;
    this.#prefix = prefix;
  }

  /** The command line, without target and image. @param {string} [options] */
  dimgx(options = '') {
    const [, command = '', rest = ''] = /^((?:[a-z]+ ?)*)(.*)$/s.exec(options) ?? [];
    return `${this.#prefix}${script('../bin/dimgx.js')} ${command} --tmp-dir ${quote(this.#folder)} ${rest}`;
  }

  /** @param {Image & { archive?: string }} image @param {Expected} expected @param {{ options?: string, reference?: string }} [how] @returns {Contender} */
  flatten(image, expected, { options = '', reference = image.archive ?? '' } = {}) {
    const command = this.dimgx(options);
    const check = () => this.#matches(`${command} -t - ${quote(reference)}`, expected);
    return { title: titleOf(options, reference), command: `${command} -t /dev/null ${quote(reference)}`, check, image };
  }

  /** Through a pipe. @param {WrittenImage} image @param {Expected} expected @param {string} [options] @returns {Contender} */
  pipe(image, expected, options = '') {
    const command = `${this.dimgx(options)} -t - ${quote(image.archive)}`;
    const title = `${titleOf(options, '')} \\| cat`;
    return { title, command: `${command} | cat >/dev/null`, check: () => this.#matches(command, expected), image };
  }

  /** To a file. @param {WrittenImage} image @param {Expected} expected @param {string} reference @param {string} [options] @returns {Contender} */
  file(image, expected, reference, options = '') {
    const output = `${this.#folder}/flat.tar`;
    const command = `${this.dimgx(options)} -t ${quote(output)} ${quote(reference)}`;
    const check = () => this.#matches(`${command} && cat ${quote(output)} && rm ${quote(output)}`, expected);
    return { title: `${titleOf(options, reference)} to a file`, command, output, check, image };
  }

  /** As a tree of files, as others make it. @param {WrittenImage} image @param {Expected} expected @param {string} reference @returns {Contender} */
  unpacked(image, expected, reference) {
    const output = `${this.#folder}/rootfs`;
    const extract = `mkdir ${quote(output)} && ${this.dimgx()} -t - ${quote(reference)} | tar -xf - -C ${quote(output)}`;
    const check = async () => compareTrees(await folderTree(extract, output), expected(), extract);
    return { title: `${titleOf('', reference)} \\| tar -x`, command: extract, output, check, image };
  }

  /** @param {WrittenImage} image @param {Expected} expected @param {string} layout @returns {Contender} */
  umoci(image, expected, layout) {
    const output = `${this.#folder}/rootfs`;
    const rootless = process.getuid?.() === 0 ? '' : '--rootless';
    const command = `umoci raw unpack ${rootless} --image ${quote(`${layout}:1`)} ${quote(output)}`;
    const check = async () => remark(await folderTree(command, output), expected());
    return { title: 'umoci raw unpack', command, output, check, image };
  }

  /** @param {WrittenImage} image @param {Expected} expected @param {string} archive @returns {Contender} */
  crane(image, expected, archive) {
    const command = `TMPDIR=${quote(this.#folder)} crane export - - < ${quote(archive)}`;
    const check = async () => remark(await tarTree(command), expected());
    return { title: 'crane export', command: `${command} >/dev/null`, check, image };
  }

  /** The library as a program uses it. @param {WrittenImage} image @returns {Contender} */
  library(image) {
    return {
      title: 'extractLayers to a Writable',
      command: `${script('library-stream.mjs')} ${quote(image.archive)}`,
      image,
    };
  }

  /** @param {WrittenImage} image @param {Expected} expected @returns {Contender} */
  tarStream(image, expected) {
    const command = `${script('tar-stream-flatten.mjs')} ${quote(image.archive)} ${quote(this.#folder)}`;
    return { title: 'plain tar-stream', command, check: () => this.#matches(`${command} | cat`, expected), image };
  }

  /** The table of layers. @param {WrittenImage} image @returns {Contender} */
  list(image) {
    return { title: 'dimgx, the listing', command: `${this.dimgx()} ${quote(image.archive)}`, image };
  }

  /** A look into an image. @param {WrittenImage} image @param {string} command @param {string} operand @returns {Contender} */
  look(image, command, operand) {
    const line = `${this.dimgx(command)} ${quote(image.archive)} ${operand}`;
    return { title: `dimgx ${command}`, command: `${line} >/dev/null`, image };
  }

  /** The tar goes nowhere, records to files. @param {WrittenImage} image @param {readonly string[]} options @returns {Contender} */
  records(image, options) {
    const output = `${this.#folder}/records`;
    const files = options.map((option) => `${option} ${quote(`${output}/${option.slice(2)}`)}`).join(' ');
    const command = `mkdir ${quote(output)} && ${this.dimgx(files)} -t /dev/null ${quote(image.archive)}`;
    return { title: `dimgx ${options.join(' ')}`, command, output, image };
  }

  /** The same by other programs, from the flat tar on. @param {WrittenImage} image @returns {Contender} */
  recordsByTools(image) {
    const output = `${this.#folder}/by-tools`;
    const flat = `${this.dimgx()} -t - ${quote(image.archive)} | tar -xf - -C root`;
    const sums = '(cd root && find . -type f -print0 | xargs -0 sha256sum) > sums';
    const command = `mkdir -p ${quote(output)}/root && cd ${quote(output)} && ${flat} && ${sums} && mtree -c -K sha256 -p root > mtree`;
    return { title: 'tar -x, sha256sum, mtree -c', command, output, image };
  }

  /** @param {WrittenImage} image @returns {Contender} */
  snapshot(image) {
    const output = `${this.#folder}/bag`;
    const command = `${this.dimgx('snapshot -C')} ${quote(image.archive)} ${quote(output)}`;
    return { title: 'dimgx snapshot -C', command, output, image };
  }

  /** @param {WrittenImage} image @returns {Contender} */
  copy(image) {
    return { title: 'plain loop', command: `${script('plain-copy.mjs')} ${quote(image.archive)} /dev/null`, image };
  }

  /** @param {WrittenImage} image @returns {Contender} */
  copyToFile(image) {
    const output = `${this.#folder}/copy.tar`;
    const command = `${script('plain-copy.mjs')} ${quote(image.archive)} ${quote(output)}`;
    const check = () => outputOf(`${command} && cmp ${quote(output)} ${quote(image.archive)} && rm ${quote(output)}`);
    return { title: 'plain loop to a file', command, output, check, image };
  }

  /** @param {WrittenImage} image @returns {Contender} */
  hashFloor(image) {
    const stretches = image.layers.map(({ start, size }) => `${start}:${size}`);
    const command = `${script('hash-floor.mjs')} ${quote(image.archive)} ${stretches.join(' ')}`;
    const check = async () => {
      const digests = (await outputOf(command)).split('\n').filter(Boolean).sort();
      const expected = image.layers.map(({ digest }) => digest).sort();
      if (String(digests) !== String(expected)) throw new Error(`hashed to ${digests}, should be ${expected}`);
    };
    return { title: 'hash floor', command, check, image };
  }

  /** What is flat already, as a tree of files. @param {WrittenImage} image @param {Expected} expected @param {string} flat the tar @returns {Contender} */
  untar(image, expected, flat) {
    const output = `${this.#folder}/rootfs`;
    const command = `mkdir ${quote(output)} && tar -xf ${quote(flat)} -C ${quote(output)}`;
    const check = async () => compareTrees(await folderTree(command, output), expected(), command);
    return { title: 'tar -x of the flat tar', command, output, check, image };
  }

  /** @param {WrittenImage} image @returns {Contender} */
  cat(image) {
    return { title: 'cat \\| cat', command: `cat ${quote(image.archive)} | cat >/dev/null`, image };
  }

  /** @param {Image} image @returns {Contender} */
  inflate(image) {
    const command = `${script('plain-inflate.mjs')} ${image.gzipBlobs.map(quote).join(' ')}`;
    const check = async () => {
      const bytes = Number(await outputOf(command));
      if (bytes !== image.layerBytes) throw new Error(`inflated ${bytes} bytes, should be ${image.layerBytes}`);
    };
    return { title: 'plain inflate', command, check, image };
  }

  /** The same command is checked once. @param {string} command that writes a tar @param {Expected} expected */
  #matches(command, expected) {
    const check =
      this.#checked.get(command) ?? tarTree(command).then((tree) => compareTrees(tree, expected(), command));
    this.#checked.set(command, check);
    return check;
  }
}

/** @param {string} options @param {string} reference */
function titleOf(options, reference) {
  const source = /^[a-z-]+:/.exec(reference)?.[0];
  return ['dimgx', options, source && `${source}…`].filter(Boolean).join(' ');
}

/** Others are timed whatever they make. @param {import('./check-tree.mjs').Summary} actual @param {import('./check-tree.mjs').Summary} expected */
export function remark(actual, expected) {
  return actual.digest === expected.digest
    ? ''
    : `its tree is wrong: ${actual.entries} entries, not ${expected.entries}`;
}
