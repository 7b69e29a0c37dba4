import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inspect, parseArgs } from 'node:util';
import { type CampaignOptions, campaign, replay } from './campaign.js';
import { MemoryWatch } from './memory.js';
import { type Figures, formatFigures, together } from './report.js';
import type { Target } from './target.js';
import { TARGETS } from './targets/index.js';

/**
 * The long run: `npm run fuzz -- --inputs 10000000`. Each target gets its share, in processes of their own with little
 * memory: as many for each as `--parts` says, with seeds that follow one another, and as many at once as `--jobs` says.
 * `--target NAME` runs one of them in this process, `--replay NAME:INPUT` one input. What comes of it goes to standard
 * output and, with `--log FILE`, behind that file. Exits with 1 if anything was found.
 */
const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    coverage: { type: 'string', default: 'guided' },
    jobs: { type: 'string', default: '2' },
    parts: { type: 'string', default: '1' },
    target: { type: 'string' },
    replay: { type: 'string' },
    log: { type: 'string' },
  },
});

/** Of the heap of one target's process, in MiB. */
const HEAP = 256;

if (values.replay !== undefined) await replayOne(values.replay);
else if (values.target !== undefined) await runOne(targetOf(values.target));
else await runAll();

async function replayOne(text: string): Promise<void> {
  const colon = text.indexOf(':');
  const input = await replay(targetOf(text.slice(0, colon)), text.slice(colon + 1));
  say(`read: ${inspect(input, { depth: 5 })}`);
}

async function runAll(): Promise<void> {
  const started = Date.now();
  const total = TARGETS.reduce((sum, { share }) => sum + share, 0);
  const parts = Number(values.parts);
  // the slow ones first
  const waiting = TARGETS.toReversed().flatMap((target) =>
    Array.from({ length: parts }, (_, part) => ({ target, seed: Number(values.seed) + part })),
  );
  const figures: Figures[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { name, share } = next.target;
      figures.push(...(await inProcess(name, Math.ceil((Number(values.inputs) * share) / total / parts), next.seed)));
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  const ofTargets = TARGETS.map(({ name }) => together(name, figures));
  say(formatFigures(ofTargets, (Date.now() - started) / 1000));
}

/** @returns nothing when it did not come to its end */
function inProcess(name: string, inputs: number, seed: number): Promise<readonly Figures[]> {
  const main = fileURLToPath(import.meta.url);
  const args = ['--target', name, '--inputs', String(inputs), '--seed', String(seed), '--coverage', values.coverage];
  const log = values.log === undefined ? [] : ['--log', values.log];
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP}`, '--expose-gc', main, ...args, ...log], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return new Promise((resolve) => {
    const figures: Figures[] = [];
    child.on('message', (message: Figures) => figures.push(message));
    child.on('close', (code, signal) => {
      if (code !== 0) process.exitCode = 1;
      if (code !== 0) say(`${name} of seed ${seed} ended with ${signal ?? code}`);
      resolve(figures);
    });
  });
}

async function runOne(target: Target): Promise<void> {
  const memory = new MemoryWatch();
  const inputs = Number(values.inputs);
  let shown = Date.now();
  const options: CampaignOptions = {
    inputs,
    seed: Number(values.seed),
    coverage: values.coverage as Exclude<CampaignOptions['coverage'], undefined>,
    async onProgress(done) {
      await memory.look(done / inputs);
      if (Date.now() - shown < 30_000) return;
      shown = Date.now();
      say(`${target.name} of seed ${values.seed}: ${done} of ${inputs}`);
    },
  };
  const { findings, outcomes, ...result } = await campaign(target, options);
  for (const { input, error } of findings) {
    say(`FOUND ${inspect(error)}\n  npm run fuzz -- --replay ${target.name}:${input}`);
    process.exitCode = 1;
  }
  const { user, system } = process.cpuUsage();
  const figures: Figures = {
    target: target.name,
    ...result,
    outcomes: [...outcomes],
    seconds: (user + system) / 1e6,
    peak: process.resourceUsage().maxRSS / 1024,
  };
  say(`${target.name}: ${JSON.stringify(figures)}`);
  await memory.close();
  process.send?.(figures);
}

function targetOf(name: string): Target {
  const target = TARGETS.find((candidate) => candidate.name === name);
  if (target) return target;
  throw new Error(`there is no target ${name}, only ${TARGETS.map((known) => known.name).join(', ')}`);
}

function say(text: string): void {
  console.log(text);
  if (values.log !== undefined) appendFileSync(values.log, `${text}\n`);
}
