import prettyBytes from 'pretty-bytes';
import type { Progress } from '../../options.js';

/** Between two drawings, in milliseconds. */
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
  /** Of a line, in characters; 0 or nothing where it is not known. */
  readonly columns: number | undefined;
  write(text: string): unknown;
}

/** Which stage is shown when several are under way: layers are verified while others are inspected or written. */
const PRECEDENCE = ['extract', 'inspect', 'open', 'verify', 'prepare', 'unpack', 'pull'] as const;

/** A stage is over when one of a higher number has begun; those of the same are under way together. */
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
 * One line at the bottom of a terminal, for all that is under way in one stage: layers are worked on in parallel, and
 * their bytes are added up. It has no timer: it is drawn when something is reported, at most ten times a second.
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
    // Of how much it would be is not always known: then its end can only be seen by what follows.
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

  /** Gives the line back, for other text; the bar comes again with the next report. */
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
