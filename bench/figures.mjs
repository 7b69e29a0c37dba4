/** @typedef {import('./bars.mjs').Bar} Bar */
/** @typedef {import('./contest.mjs').Result} Result */

/**
 * @typedef {object} Row of the table, in words
 * @property {string} work
 * @property {string} measured
 * @property {string} beside
 * @property {string} figure
 * @property {string} bar
 * @property {string} holds
 */

/** @typedef {{ measured: string, beside: string, value: number, text: string }} Figure */

/** How each kind of bar makes its figure. @type {Record<Bar['figure'], (measured: Result, beside: Result, start: Result) => Figure>} */
const FIGURES = {
  time: (measured, beside) => ({
    measured: `${seconds(measured.seconds)}, ${measured.title}`,
    beside: `${seconds(beside.seconds)}, ${beside.title}`,
    ...times(measured.seconds / beside.seconds),
  }),
  speed: (measured, beside) => ({
    measured: `${rate(measured)}, ${measured.title}`,
    beside: `${rate(beside)}, ${beside.title}`,
    ...times(beside.seconds / measured.seconds),
  }),
  peak: (measured) => ({
    measured: `${measured.title}, ${count(entriesOf(measured))} entries`,
    beside: '',
    value: measured.peak / 1e6,
    text: megabytes(measured.peak),
  }),
  peakRatio: (measured, beside) => ({
    measured: megabytes(measured.peak),
    beside: megabytes(beside.peak),
    ...times(measured.peak / beside.peak),
  }),
  perEntry: (measured, beside) => {
    const further = entriesOf(measured) - entriesOf(beside);
    const names = (measured.image?.nameBytes ?? Number.NaN) - (beside.image?.nameBytes ?? Number.NaN);
    const value = (measured.peak - beside.peak - names) / further;
    return {
      measured: `${megabytes(measured.peak)} at ${count(entriesOf(measured))}`,
      beside: `${megabytes(beside.peak)} at ${count(entriesOf(beside))}`,
      value,
      text: `${value.toFixed(0)} bytes`,
    };
  },
  timeGrowth: (measured, beside, start) => {
    const growth = (measured.seconds - start.seconds) / (beside.seconds - start.seconds);
    return {
      measured: `${seconds(measured.seconds)} at ${count(entriesOf(measured))}`,
      beside: `${seconds(beside.seconds)} at ${count(entriesOf(beside))}, ${seconds(start.seconds)} at 1`,
      ...times(growth / (entriesOf(measured) / entriesOf(beside)), ' linear'),
    };
  },
  written: (measured) => {
    const bytes = measured.image?.layerBytes ?? Number.NaN;
    return {
      measured: `${megabytes(measured.bytesWritten)} written, ${measured.title}`,
      beside: `${megabytes(bytes)}, the layers unpacked`,
      ...times(measured.bytesWritten / bytes, '', 3),
    };
  },
  temporary: (measured) => {
    const bytes = measured.image?.outOfOrder ?? Number.NaN;
    return {
      measured: `${megabytes(measured.temporary)} at most, ${measured.title}`,
      beside: `${megabytes(bytes)} out of order`,
      ...times(measured.temporary / bytes),
    };
  },
  firstByte: (measured) => ({
    measured: measured.title,
    beside: '',
    value: measured.firstByte,
    text: seconds(measured.firstByte),
  }),
  bytesRead: (measured, _, start) => ({
    measured: `${megabytes(measured.bytesRead - start.bytesRead)} for ${count(entriesOf(measured))} entries`,
    beside: `${megabytes(measured.image?.bytes ?? Number.NaN)}, the archive, ${megabytes(512 * entriesOf(measured))} of it headers`,
    ...times((measured.bytesRead - start.bytesRead) / (measured.image?.bytes ?? Number.NaN)),
  }),
};

/**
 * @param {Bar} bar
 * @param {Map<string, Result>} results of the bar's stage
 * @returns {Row} one that says so where a contender is missing
 */
export function rowOf({ work, figure, measured, beside, start, limit }, results) {
  const [result, other, idle] = [measured, beside ?? measured, start ?? measured].map((name) => results.get(name));
  const isSpeed = figure === 'speed';
  const bar = limit === undefined ? '' : `${isSpeed ? '≥' : '≤'} ${limit}${BAR_UNITS[figure] ?? '×'}`;
  if (!result || !other || !idle)
    return { work, measured: 'not available here', beside: '', figure: '', bar, holds: 'skipped' };
  const failed = [result, other, idle].find(({ hasFailed }) => hasFailed);
  if (failed) {
    const words =
      failed === result
        ? { measured: `failed: ${result.title}`, beside: '' }
        : { measured: result.title, beside: `failed: ${failed.title}` };
    return { work, ...words, figure: '', bar, holds: '**no**' };
  }
  const { value, text, ...names } = FIGURES[figure](result, other, idle);
  const holds = limit === undefined ? 'shown' : (isSpeed ? value >= limit : value <= limit) ? 'yes' : '**no**';
  const remark = other.remark && ` (${other.remark})`;
  return { work, ...names, beside: `${names.beside}${remark}`, figure: text, bar, holds };
}

/** @type {Partial<Record<Bar['figure'], string>>} */
const BAR_UNITS = { peak: ' MB', firstByte: ' s', perEntry: ' bytes', timeGrowth: '× linear' };

/** @param {number} value @param {string} [of] @param {number} [digits] */
function times(value, of = '', digits = 2) {
  return { value, text: `${value.toFixed(digits)}×${of}` };
}

/** @param {Result} result */
function rate(result) {
  return `${count(Math.round(entriesOf(result) / result.seconds / 1000) * 1000)} entries/s`;
}

/** @param {Result} result */
function entriesOf({ image }) {
  return image?.entries ?? Number.NaN;
}

/** @param {number} value */
function seconds(value) {
  return `${value.toFixed(2)} s`;
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
}

/** @param {number} value */
function count(value) {
  return value.toLocaleString('en');
}
