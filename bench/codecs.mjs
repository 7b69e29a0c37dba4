/**
 * `npm run bench:codecs [-- --quick] [--rounds N] [--only CODEC]`: the codecs of dimgx beside the tools of their formats, on a tar
 * of this machine's /usr, files in memory. What each makes is checked before it is timed. Lines of Node other than the one that
 * runs this come from the npm registry.
 */
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeBinary } from '../.ci/node-binaries.mjs';
import { CODEC_BARS } from './codec-bars.mjs';
import { contest } from './contest.mjs';
import { rowOf } from './figures.mjs';
import { describeMachine, isOnPath, NODE_THREADS } from './machine.mjs';
import { measure } from './measure.mjs';
import { formatTable, writeReadme } from './report.mjs';
import { roomiest, withFolder } from './scratch.mjs';
import { outputOf, quote } from './shell.mjs';

/** @typedef {import('./figures.mjs').Row} Row */
/** @typedef {import('./codec-bars.mjs').CodecBar} CodecBar */

const MIB = 2 ** 20;
const FOLDERS = 'usr/bin usr/lib usr/share';
const RUN = fileURLToPath(new URL('run-codec.mjs', import.meta.url));
const REPORT = fileURLToPath(new URL('report-usage.mjs', import.meta.url));

const { values } = parseArgs({
  options: { rounds: { type: 'string' }, quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const { quick, only } = values;
const rounds = Number(values.rounds ?? (quick ? 1 : 5));
const bars = CODEC_BARS.filter(({ codec }) => only === undefined || codec === only);
const here = process.versions.node.split('.')[0] ?? '';
const place = await roomiest(3 * 2 ** 30);
await withFolder(place, main);

/** @param {string} folder */
async function main(folder) {
  const tar = `${folder}/usr.tar`;
  const small = `${folder}/small.tar`;
  say('making the input');
  const sorted = `tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C / -cf - ${FOLDERS}`;
  await outputOf(`{ ${sorted} || true; } 2>/dev/null | head -c ${(quick ? 20 : 400) * MIB} > ${quote(tar)}`);
  await outputOf(`head -c ${(quick ? 20 : 100) * MIB} ${quote(tar)} > ${quote(small)}`);
  const rows = [];
  const tools = [];
  for (const bar of bars) {
    const tool = bar.encode.split(' ')[0] ?? '';
    tools.push(tool);
    if (await isOnPath(tool)) rows.push(...(await encodeRows(bar, tar)), ...(await decodeRows(bar, tar)));
    else rows.push(skipped(bar));
  }
  for (const bar of bars) rows.push(...(await memoryRows(bar, small)));
  const { size } = await stat(tar);
  const kind = quick ? 'Small inputs, to try it only. ' : '';
  const text = `${kind}${await describeMachine(place, tools)} Medians of ${rounds} rounds; the tar has ${millions(size)}, for memory ${millions((await stat(small)).size)}.\n\n${formatTable(rows)}`;
  console.log(text);
  if (!quick && only === undefined) await writeReadme('codec figures', text);
}

/** @param {CodecBar} bar @param {string} tar @returns {Promise<Row[]>} time and size of each Node beside the tool's */
async function encodeRows({ codec, level, encode, decode, encodeLimit, encodeNodes = [here] }, tar) {
  const theirs = `${tar}.theirs`;
  await outputOf(`${encode} < ${quote(tar)} > ${quote(theirs)}`);
  /** @type {Map<string, import('./contest.mjs').Contender>} */
  const contenders = new Map([['tool', { title: encode, command: `${encode} < ${quote(tar)} > /dev/null` }]]);
  /** @type {Map<string, number>} */
  const sizes = new Map();
  for (const line of encodeNodes) {
    const command = await run(line, 'encode', codec, level, tar);
    const ours = `${tar}.${line}`;
    const check = async () => {
      await outputOf(`${command} > ${quote(ours)} && ${decode} < ${quote(ours)} | cmp - ${quote(tar)}`);
      sizes.set(line, (await stat(ours)).size);
    };
    contenders.set(line, { title: `dimgx, Node ${line}`, command: `${command} > /dev/null`, check });
  }
  const results = await contest(contenders, rounds, (text) => say(`${codec} encoding: ${text}`));
  const { size: their } = await stat(theirs);
  return encodeNodes.flatMap((line) => {
    const work = `${codec}, written at level ${level}`;
    const row = rowOf(timeBar(work, line, encodeLimit.time), results);
    return [row, sizeRow(`${work}: size`, sizes.get(line) ?? Number.NaN, their, encodeLimit.size)];
  });
}

/** @param {CodecBar} bar @param {string} tar @returns {Promise<Row[]>} of what the tool wrote */
async function decodeRows({ codec, level, decode, decodeLimit, decodeNodes = [here] }, tar) {
  const stored = `${tar}.theirs`;
  /** @type {Map<string, import('./contest.mjs').Contender>} */
  const contenders = new Map([['tool', { title: decode, command: `${decode} < ${quote(stored)} > /dev/null` }]]);
  for (const line of decodeNodes) {
    const command = await run(line, 'decode', codec, level, stored);
    const check = () => outputOf(`${command} | cmp - ${quote(tar)}`);
    contenders.set(line, { title: `dimgx, Node ${line}`, command: `${command} > /dev/null`, check });
  }
  const results = await contest(contenders, rounds, (text) => say(`${codec} decoding: ${text}`));
  return decodeNodes.map((line) => rowOf(timeBar(`${codec}, read`, line, decodeLimit.time), results));
}

/** @param {CodecBar} bar @param {string} tar @returns {Promise<Row[]>} peaks of one run for each level */
async function memoryRows({ codec, levels, encodeNodes = [here] }, tar) {
  const line = encodeNodes.at(-1) ?? here;
  const rows = [];
  for (const level of levels) {
    say(`${codec} memory at level ${level}`);
    const stored = `${tar}.stored`;
    const written = await measure(`${await run(line, 'encode', codec, level, tar)} > ${quote(stored)}`);
    const read = await measure(`${await run(line, 'decode', codec, level, stored)} > /dev/null`);
    const { size } = await stat(stored);
    rows.push({
      work: `${codec}, level ${level}: peak memory`,
      measured: `written ${millions(written.peak)}, read ${millions(read.peak)}`,
      beside: `${millions(size)}, written in ${written.seconds.toFixed(2)} s, read in ${read.seconds.toFixed(2)} s`,
      figure: millions(Math.max(written.peak, read.peak)),
      bar: '',
      holds: 'shown',
    });
  }
  return rows;
}

/** @param {string} line of Node @param {'encode' | 'decode'} direction @param {string} codec @param {number} level @param {string} file */
async function run(line, direction, codec, level, file) {
  const node = line === here ? '$NODE' : `${quote(await nodeBinary(line))} --import ${quote(REPORT)}`;
  return `${NODE_THREADS} ${node} ${quote(RUN)} ${direction} ${codec} ${level} ${quote(file)}`;
}

/** @param {string} work @param {string} measured @param {number} [limit] @returns {import('./bars.mjs').Bar} */
function timeBar(work, measured, limit) {
  return { name: work, work, stage: '', figure: 'time', measured, beside: 'tool', ...(limit && { limit }) };
}

/** @param {string} work @param {number} ours @param {number} theirs @param {number} [limit] @returns {Row} */
function sizeRow(work, ours, theirs, limit) {
  const ratio = ours / theirs;
  const holds = limit === undefined ? 'shown' : ratio <= limit ? 'yes' : '**no**';
  const bar = limit === undefined ? '' : `≤ ${limit}×`;
  return { work, measured: millions(ours), beside: millions(theirs), figure: `${ratio.toFixed(3)}×`, bar, holds };
}

/** @param {CodecBar} bar @returns {Row} */
function skipped({ codec, encode }) {
  const beside = `${encode} is not here`;
  return { work: codec, measured: '', beside, figure: '', bar: '', holds: 'skipped' };
}

/** @param {number} bytes */
function millions(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** @param {string} text */
function say(text) {
  console.error(`bench: codecs: ${text}`);
}
