/**
 * What is measured and what it has to reach, one row of the table each. `measured`, `beside` and `start` name contenders of the
 * stage; without a limit the figure is only shown.
 *
 * @typedef {object} Bar
 * @property {string} name for `--only`
 * @property {string} work in words
 * @property {string} stage
 * @property {'time' | 'speed' | 'peak' | 'peakRatio' | 'perEntry' | 'timeGrowth' | 'bytesRead'} figure
 * @property {string} measured
 * @property {string} [beside]
 * @property {string} [start] who shows what start-up takes
 * @property {number} [limit] at most; of speed at least
 */

/** @type {readonly Bar[]} */
export const BARS = [
  ...comparisons('distribution', [
    ['archive-unverified', 'uncompressed archive to /dev/null, `--no-verify`', 'unverified', 'copy', 1.15],
    ['archive', 'the same, verified', 'verified', 'copy', 1.6],
    ['library', 'the same by the library', 'library', 'verified'],
    ['pipe-unverified', 'the same through a pipe, `--no-verify`', 'pipeUnverified', 'cat', 1.3],
    ['pipe', 'the same through a pipe, verified', 'pipeVerified', 'cat', 1.7],
    ['file-unverified', 'the same to a file, `--no-verify`', 'fileUnverified', 'copyToFile'],
    ['file', 'the same to a file, verified', 'file', 'copyToFile', 1.3],
    ['gzip', 'gzip layers in an OCI layout, verified', 'gzip', 'inflate', 1.5],
    ['crane', 'uncompressed archive beside crane', 'verified', 'crane', 0.45],
    ['crane-gzip', 'gzip layers beside crane', 'gzip', 'craneGzip', 0.45],
    ['umoci', 'uncompressed archive beside umoci', 'file', 'umoci', 0.45],
    ['umoci-gzip', 'gzip layers beside umoci', 'gzipFile', 'umociGzip', 0.45],
    ['unpacked', 'uncompressed archive, as a folder', 'unpacked', 'umoci'],
  ]),
  {
    name: 'small-files',
    work: '100,000 files of 100 bytes',
    stage: 'smallFiles',
    figure: 'speed',
    measured: 'verified',
    beside: 'tarStream',
    limit: 5,
  },
  ...['verified', 'pipeVerified', 'file', 'gzip'].map((measured) => {
    const work = 'peak memory at about 60,000 entries';
    return /** @type {const} */ ({ name: 'memory', work, stage: 'distribution', figure: 'peak', measured, limit: 150 });
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
