import { DimgxError } from '#dimgx/errors.js';
import { Coverage } from './coverage.js';
import { type Random, seeded } from './random.js';
import type { Target } from './target.js';
import { Watchdog } from './watchdog.js';

export interface CampaignOptions {
  /** How many. */
  readonly inputs: number;
  /** Of the random numbers. Default 1. */
  readonly seed?: number;
  /** `measured`: see which blocks are reached. `guided`: keep inputs that reach new ones, and mutate them further. */
  readonly coverage?: 'off' | 'measured' | 'guided';
  /** Called now and then. */
  readonly onProgress?: (done: number) => void | Promise<void>;
}

/** An input that made dimgx do what it must not. */
export interface Finding {
  /** What replays it: see `replay`. */
  readonly input: string;
  readonly error: unknown;
}

export interface CampaignResult {
  readonly inputs: number;
  /** How many were `read`, and how many refused with each code. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
  /** Inputs that were kept; the seeds not counted. */
  readonly kept: number;
  /** Blocks of dimgx that were reached, the start of the process not counted; 0 when they were not measured. */
  readonly blocks: number;
}

/**
 * An input, and its name: the number of its seed, and those with which its random numbers began for each mutation
 * since. So a name is all that it takes to make the input again.
 */
interface Input {
  readonly name: string;
  readonly value: unknown;
}

/** So that runs of different seeds try different inputs, as far as they are no longer than that. */
const MUTATIONS_OF_A_SEED = 2 ** 22;
/** Of kinds: one defect is found by many inputs. */
const MAX_FINDINGS = 5;
/** To make an input by its name again takes as many mutations. */
const MAX_GENERATIONS = 24;

/** Feeds one target with its seeds, and then with mutations of them. */
export async function campaign(target: Target, options: CampaignOptions): Promise<CampaignResult> {
  const run = new Campaign(target, options, await seedsOf(target));
  try {
    return await run.all();
  } finally {
    await run.close();
    target.close?.();
  }
}

/** Makes the input of that name again and runs it. @throws what it comes to */
export async function replay(target: Target, name: string): Promise<unknown> {
  const [seed = '', ...mutations] = name.split('.');
  let input = (await seedsOf(target))[Number(seed)];
  if (!input) throw new Error(`${target.name} has no seed ${seed}`);
  for (const mutation of mutations) input = mutated(target, input, Number(mutation));
  try {
    await target.run(input.value, runRandom(input.name));
  } finally {
    target.close?.();
  }
  return input.value;
}

async function seedsOf(target: Target): Promise<Input[]> {
  return (await target.seeds()).map((value, i) => ({ name: String(i), value }));
}

function mutated(target: Target, { name, value }: Input, seed: number): Input {
  return { name: `${name}.${seed}`, value: target.mutate(value, seeded(seed)) };
}

function runRandom(name: string): Random {
  return seeded(~Number(name.slice(name.lastIndexOf('.') + 1)));
}

class Campaign {
  readonly #target: Target;
  readonly #options: CampaignOptions;
  readonly #corpus: Input[];
  readonly #seeds: number;
  readonly #choose: Random;
  readonly #coverage: Coverage | undefined;
  readonly #watchdog = new Watchdog();
  readonly #outcomes = new Map<string, number>();
  readonly #findings = new Map<string, Finding>();
  #mutations: number;

  constructor(target: Target, options: CampaignOptions, seeds: Input[]) {
    const { seed = 1, coverage = 'off' } = options;
    this.#target = target;
    this.#options = options;
    this.#corpus = seeds;
    this.#seeds = seeds.length;
    this.#choose = seeded(seed);
    this.#mutations = seed * MUTATIONS_OF_A_SEED;
    this.#coverage = coverage === 'off' ? undefined : new Coverage();
  }

  async all(): Promise<CampaignResult> {
    const { inputs, onProgress } = this.#options;
    const { batch } = this.#target;
    const stackTraceLimit = Error.stackTraceLimit;
    // Most inputs are refused, and where is not asked.
    Error.stackTraceLimit = 0;
    try {
      await this.#runAll(this.#corpus.slice(0, inputs));
      this.#coverage?.keep(this.#coverage.take());
      for (let done = Math.min(this.#seeds, inputs); done < inputs && this.#findings.size < MAX_FINDINGS; ) {
        const next = Array.from({ length: Math.min(batch, inputs - done) }, () => this.#next());
        await this.#runAll(next);
        if (this.#coverage) await this.#learn(this.#coverage, next);
        done += next.length;
        await onProgress?.(done);
      }
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
    const ran = [...this.#outcomes.values()].reduce((sum, count) => sum + count, 0);
    return {
      inputs: ran,
      outcomes: this.#outcomes,
      findings: [...this.#findings.values()],
      kept: this.#corpus.length - this.#seeds,
      blocks: this.#coverage?.blocks ?? 0,
    };
  }

  async close(): Promise<void> {
    this.#coverage?.close();
    await this.#watchdog.close();
  }

  /** A quarter of them from what was kept, if anything was: more, and too few are sound enough to get far. */
  #next(): Input {
    const kept = this.#corpus.length - this.#seeds;
    const at = kept > 0 && this.#choose(4) === 0 ? this.#seeds + this.#choose(kept) : this.#choose(this.#seeds);
    return mutated(this.#target, this.#corpus[at] as Input, this.#mutations++);
  }

  async #runAll(inputs: readonly Input[]): Promise<void> {
    for (const input of inputs) {
      const outcome = await this.#run(input);
      this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    }
  }

  async #run(input: Input): Promise<string> {
    this.#watchdog.begin(`${this.#target.name}:${input.name}`);
    try {
      const running = this.#target.run(input.value, runRandom(input.name));
      if (running) await running;
      return 'read';
    } catch (error) {
      if (error instanceof DimgxError && error.code !== 'DIMGX_INTERNAL') return error.code;
      const kind = error instanceof Error ? `${error.name}: ${error.message.replace(/\d+/g, 'N')}` : String(error);
      if (!this.#findings.has(kind)) this.#findings.set(kind, { input: input.name, error });
      return 'finding';
    }
  }

  /** Keeps those inputs of a batch that has just run that reached what none had. */
  async #learn(coverage: Coverage, batch: readonly Input[]): Promise<void> {
    const reached = coverage.take();
    if (!coverage.isNew(reached)) return;
    if (this.#options.coverage === 'guided') await this.#search(coverage, batch);
    // What does not come again, such as what runs once in a process, is not looked for again.
    coverage.keep(reached);
  }

  /** Runs them again in halves, and halves of those, as far as they reach something new. */
  async #search(coverage: Coverage, inputs: readonly Input[]): Promise<void> {
    const middle = Math.ceil(inputs.length / 2);
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      for (const input of half) await this.#run(input);
      const reached = coverage.take();
      if (!coverage.isNew(reached)) continue;
      const [input] = half;
      if (half.length > 1) await this.#search(coverage, half);
      else if (input && generationOf(input) < MAX_GENERATIONS) this.#corpus.push(input);
      if (half.length === 1) coverage.keep(reached);
    }
  }
}

function generationOf({ name }: Input): number {
  return name.split('.').length;
}
