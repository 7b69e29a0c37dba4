import prettyBytes from 'pretty-bytes';
import type { Progress } from '../../index.js';

/** Time between two redraws, in milliseconds. */
const PERIOD = 100;
const BAR = 24;

const DOING: Readonly<Record<Progress['stage'], string>> = {
  pull: 'pulling',
  unpack: 'unpacking',
  prepare: 'the engine is preparing the image',
  open: 'reading',
  inspect: 'inspecting',
  extract: 'writing',
  verify: 'verifying',
};

export interface Screen {
  /** Width of a line, in characters; 0 or `undefined` if unknown. */
  readonly columns: number | undefined;
  write(text: string): unknown;
}

/** Which stage is shown when several are under way. Layers are verified while others are inspected or written. */
const PRECEDENCE = ['extract', 'inspect', 'open', 'verify', 'prepare', 'unpack', 'pull'] as const;

/** A stage is over once a stage with a higher number has begun. Stages with the same number run together. */
const PHASE: Readonly<Record<Progress['stage'], number>> = {
  ...{ pull: 0, unpack: 0, prepare: 1, open: 2 },
  ...{ inspect: 3, verify: 3, extract: 3 },
};

/** What is known of one stage. */
interface StageProgress {
  readonly begun: number;
  readonly items: Map<string, Progress>;
}

/**
 * One line at the bottom of a terminal that shows one stage. Layers are processed in parallel, and their bytes are
 * added up. There is no timer: the bar is redrawn when progress is reported, at most ten times a second.
 */
export class ProgressBar {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #stages = new Map<Progress['stage'], StageProgress>();
  #drawnAt: number | undefined;
  #isDrawn = false;

  /** @param now a clock in milliseconds */
  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
  }

  update(progress: Progress): void {
    const now = this.#now();
    const reported = this.#stages.get(progress.stage) ?? { begun: now, items: new Map() };
    this.#stages.set(progress.stage, reported);
    reported.items.set(progress.item, progress);
    // A stage's total is not always known. Then only a later stage shows that it has ended.
    for (const stage of this.#stages.keys()) if (PHASE[stage] < PHASE[progress.stage]) this.#stages.delete(stage);
    this.#drawnAt ??= now;
    if (now - this.#drawnAt < PERIOD) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    const stage = PRECEDENCE.find((each) => underWay(this.#stages.get(each)).length > 0) ?? progress.stage;
    const line = describe(stage, this.#stages.get(stage) ?? reported, now);
    const width = Math.max((this.#screen.columns || 80) - 1, 20);
    this.#screen.write(`\r\x1b[K${[...line].slice(0, width).join('')}`);
  }

  /** Clears the line for other text; the next report draws the bar again. */
  clear(): void {
    if (this.#isDrawn) this.#screen.write('\r\x1b[K');
    this.#isDrawn = false;
  }
}

function underWay(progress: StageProgress | undefined): readonly Progress[] {
  return [...(progress?.items.values() ?? [])].filter(({ done, total }) => total === undefined || done < total);
}

function describe(stage: Progress['stage'], progress: StageProgress, now: number): string {
  const items = [...progress.items.values()];
  const active = underWay(progress);
  const name = active.length > 1 ? `${active.length} at once` : (active[0] ?? items.at(-1))?.item;
  const done = items.reduce((sum, each) => sum + each.done, 0);
  const total = items.reduce((sum, each) => sum + (each.total ?? Number.NaN), 0);
  const rate = `${prettyBytes((done * 1000) / Math.max(now - progress.begun, 1))}/s`;
  if (!total && done === 0) return `${DOING[stage]}  ${name}`;
  if (!total) return `${DOING[stage]}  ${prettyBytes(done)}  ${rate}  ${name}`;
  const share = Math.min(done / total, 1);
  const bar = '#'.repeat(Math.floor(share * BAR)).padEnd(BAR, '.');
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  return `${DOING[stage]} [${bar}] ${percent}  ${prettyBytes(done)} of ${prettyBytes(total)}  ${rate}  ${name}`;
}
