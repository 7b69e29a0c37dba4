/**
 * What is measured and what it has to reach, one row of the table each. `measured`, `beside` and `start` name contenders of the
 * stage; without a limit the figure is only shown.
 *
 * @typedef {object} Bar
 * @property {string} name for `--only`
 * @property {string} work in words
 * @property {string} stage
 * @property {'time' | 'speed' | 'peak' | 'peakRatio' | 'perEntry' | 'timeGrowth' | 'bytesRead' | 'written' | 'temporary' | 'firstByte'} figure
 * @property {string} measured
 * @property {string} [beside]
 * @property {string} [start] who shows what start-up takes
 * @property {number} [limit] at most; of speed at least
 */

/** @type {readonly Bar[]} */
export const BARS = [
  ...comparisons('distribution', [
    ['archive-unverified', 'uncompressed archive to /dev/null, `--no-verify`', 'unverified', 'copy', 2.8],
    ['archive', 'the same, verified', 'verified', 'hashFloor', 1.6],
    ['library', 'the same by the library', 'library', 'verified'],
    ['pipe-unverified', 'the same through a pipe, `--no-verify`', 'pipeUnverified', 'cat', 1.3],
    ['pipe', 'the same through a pipe, verified', 'pipeVerified', 'cat', 1.7],
    ['file-unverified', 'the same to a file, `--no-verify`', 'fileUnverified', 'copyToFile'],
    ['file', 'the same to a file, verified', 'file', 'copyToFile', 1.3],
    ['gzip', 'gzip layers in an OCI layout, verified', 'gzip', 'inflate', 1.4],
    ['gzip-disk', 'the same, temporary files on a disk', 'gzipDisk', 'inflate', 1.8],
  ]),
  ...comparisons('evidence', [
    ['records', 'all four records to files, tar to /dev/null', 'records', 'verified', 1.6],
    ['bodyfile', 'a body file, tar to /dev/null', 'bodyfile', 'verified', 1.2],
    ['records-tools', 'all four records, beside other programs', 'records', 'byTools', 0.2],
    ['snapshot', 'a snapshot, not compressed', 'snapshot', 'file', 2.2],
    ['ls', 'everything in an uncompressed archive listed', 'ls', 'list', 3],
    ['history', 'the history of a path', 'history', 'list', 3],
  ]),
  ...['ls', 'history'].map((measured) => {
    const work = `bytes read, dimgx ${measured}`;
    return /** @type {const} */ ({
      name: 'evidence',
      work,
      stage: 'evidence',
      figure: 'bytesRead',
      measured,
      start: 'listTiny',
    });
  }),
  {
    name: 'evidence',
    work: 'peak memory, all four records',
    stage: 'evidence',
    figure: 'peak',
    measured: 'records',
    limit: 150,
  },
  {
    name: 'gzip-disk',
    work: 'written to the disk for it',
    stage: 'distribution',
    figure: 'written',
    measured: 'gzipDisk',
    limit: 0.01,
  },
  ...comparisons('distribution', [['random-order', 'the same, entries in random order', 'randomOrder', 'gzipDisk', 2]]),
  {
    name: 'random-order',
    work: 'temporary files for it',
    stage: 'distribution',
    figure: 'temporary',
    measured: 'randomOrder',
    limit: 1,
  },
  ...comparisons('distribution', [
    ['crane', 'uncompressed archive beside crane', 'verified', 'crane', 0.5],
    ['crane-gzip', 'gzip layers beside crane', 'gzip', 'craneGzip', 0.4],
    ['umoci', 'uncompressed archive beside umoci', 'file', 'umoci', 0.45],
    ['umoci-gzip', 'gzip layers beside umoci', 'gzipFile', 'umociGzip', 0.45],
    ['unpacked', 'uncompressed archive, as a folder', 'unpacked', 'umoci'],
    ['untar', 'uncompressed archive, as a folder on a disk', 'unpackedDisk', 'untar', 1.1],
    ['untar', 'gzip layers, as a folder on a disk', 'gzipUnpackedDisk', 'untar'],
  ]),
  ...comparisons('largeImage', [['large', '24 GB of gzip layers, 64 MB for temporary files', 'large', 'inflate']]),
  { name: 'large', work: 'peak memory of it', stage: 'largeImage', figure: 'peak', measured: 'large', limit: 200 },
  {
    name: 'small-files',
    work: '100,000 files of 100 bytes',
    stage: 'smallFiles',
    figure: 'speed',
    measured: 'verified',
    beside: 'tarStream',
    limit: 5,
  },
  ...['verified', 'pipeVerified', 'file', 'gzip', 'gzipDisk'].map((measured) => {
    const work = 'peak memory at about 60,000 entries';
    return /** @type {const} */ ({ name: 'memory', work, stage: 'distribution', figure: 'peak', measured, limit: 150 });
  }),
  ...['gzip', 'zstd'].map((measured) => {
    const work = `peak memory, 127 layers of ${measured} side by side`;
    return /** @type {const} */ ({
      name: 'memory-layers',
      work,
      stage: 'sideBySide',
      figure: 'peak',
      measured,
      limit: 300,
    });
  }),
  {
    name: 'memory-sizes',
    work: 'peak memory, files 16 times as large',
    stage: 'fileSizes',
    figure: 'peakRatio',
    measured: 'large',
    beside: 'small',
    limit: 1.1,
  },
  {
    name: 'memory-entries',
    work: 'peak memory for each further entry, less its name',
    stage: 'entries',
    figure: 'perEntry',
    measured: 'large',
    beside: 'least',
    limit: 300,
  },
  {
    name: 'listing',
    work: 'bytes read to list an uncompressed archive',
    stage: 'distribution',
    figure: 'bytesRead',
    measured: 'list',
    start: 'listTiny',
  },
  ...growths([
    ['layers', '127 layers'],
    ['whiteouts', 'a whiteout for each file below'],
    ['directory', 'one directory'],
    ['entries', 'many entries'],
    ['paths', 'paths of 4,000 bytes'],
  ]),
];

/** Time divided by that of another. @param {string} stage @param {[name: string, work: string, measured: string, beside: string, limit?: number][]} rows @returns {Bar[]} */
function comparisons(stage, rows) {
  return rows.map(([name, work, measured, beside, limit]) => {
    return { name, work, stage, figure: 'time', measured, beside, ...(limit && { limit }) };
  });
}

/** Time at two sizes; the name is the stage's. @param {[name: string, work: string][]} rows @returns {Bar[]} */
function growths(rows) {
  return rows.map(([name, work]) => {
    return {
      name,
      work,
      stage: name,
      figure: 'timeGrowth',
      measured: 'large',
      beside: 'small',
      start: 'tiny',
      limit: 1.25,
    };
  });
}
