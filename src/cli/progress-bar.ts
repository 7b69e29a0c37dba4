import prettyBytes from 'pretty-bytes';
import type { Progress } from '../options.js';

/** Between two drawings, in milliseconds. */
const PERIOD = 100;
const BAR = 24;

const DOING: Readonly<Record<Progress['stage'], string>> = {
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

/**
 * One line at the bottom of a terminal, for all that is under way in the latest stage: layers are worked on in parallel,
 * and their bytes are added up. It has no timer: it is drawn when something is reported, at most ten times a second.
 */
export class ProgressBar {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #items = new Map<string, Progress>();
  #stage: Progress['stage'] | undefined;
  #begun = 0;
  #drawnAt = 0;
  #isDrawn = false;

  /** @param now a clock in milliseconds */
  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
  }

  update(progress: Progress): void {
    const now = this.#now();
    if (progress.stage !== this.#stage) {
      this.#stage = progress.stage;
      this.#items.clear();
      this.#begun = this.#drawnAt = now;
    }
    this.#items.set(progress.item, progress);
    if (now - this.#drawnAt < PERIOD) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    const width = Math.max((this.#screen.columns || 80) - 1, 20);
    this.#screen.write(`\r\x1b[K${[...this.#line(progress, now)].slice(0, width).join('')}`);
  }

  /** Gives the line back, for other text; the bar comes again with the next report. */
  clear(): void {
    if (this.#isDrawn) this.#screen.write('\r\x1b[K');
    this.#isDrawn = false;
  }

  #line({ stage, item }: Progress, now: number): string {
    const items = [...this.#items.values()];
    const active = items.filter(({ done, total }) => total === undefined || done < total);
    const name = active.length > 1 ? `${active.length} at once` : (active[0]?.item ?? item);
    const done = items.reduce((sum, each) => sum + each.done, 0);
    const total = items.reduce<number | undefined>(
      (sum, each) => (sum === undefined || each.total === undefined ? undefined : sum + each.total),
      0,
    );
    const rate = `${prettyBytes((done * 1000) / Math.max(now - this.#begun, 1))}/s`;
    if (!total) return `${DOING[stage]}  ${prettyBytes(done)}  ${rate}  ${name}`;
    const share = Math.min(done / total, 1);
    const bar = '#'.repeat(Math.floor(share * BAR)).padEnd(BAR, '.');
    const percent = `${Math.floor(share * 100)}%`.padStart(4);
    return `${DOING[stage]} [${bar}] ${percent}  ${prettyBytes(done)} of ${prettyBytes(total)}  ${rate}  ${name}`;
  }
}
