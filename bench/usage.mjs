/**
 * `node bench/usage.mjs [--rounds N] -- ARGUMENTS`: runs dimgx with the arguments and prints what each run took: wall and
 * processor time, peak of memory, bytes written to disks, and the time to the first byte on its standard output, which goes
 * through a pipe to nowhere.
 */
import { parseArgs } from 'node:util';
import { script } from './contenders.mjs';
import { measure } from './measure.mjs';
import { FIRST_BYTE, quote } from './shell.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '1' } },
});
const command = `${script('../bin/dimgx.js')} ${positionals.map(quote).join(' ')} | ${FIRST_BYTE}`;
for (let round = 0; round < Number(values.rounds); round++) {
  const { seconds, processor, peak, bytesWritten, firstByte } = await measure(command);
  const times = `${seconds.toFixed(2)} s, processors ${processor.toFixed(2)} s`;
  const bytes = `peak ${(peak / 1e6).toFixed(1)} MB, written to disks ${(bytesWritten / 1e6).toFixed(1)} MB`;
  console.log(`${times}, ${bytes}, ${Number.isNaN(firstByte) ? 'no output' : `first byte ${firstByte.toFixed(2)} s`}`);
}
