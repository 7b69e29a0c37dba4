/** What came of one target. */
export interface Figures {
  readonly target: string;
  readonly inputs: number;
  readonly outcomes: readonly (readonly [outcome: string, count: number])[];
  readonly kept: number;
  readonly blocks: number;
  /** Of the processor. */
  readonly seconds: number;
  /** Resident memory, in MiB. */
  readonly peak: number;
}

/** The figures of all parts of a target: numbers are added up, but for blocks and memory, of which the highest counts. */
export function together(target: string, all: readonly Figures[]): Figures {
  const parts = all.filter((figures) => figures.target === target);
  const sum = (numberOf: (part: Figures) => number) => parts.reduce((total, part) => total + numberOf(part), 0);
  const outcomes = [...new Set(parts.flatMap((part) => part.outcomes.map(([outcome]) => outcome)))];
  return {
    target,
    inputs: sum(({ inputs }) => inputs),
    outcomes: outcomes.map((outcome) => [outcome, sum((part) => countOf(part.outcomes, outcome))]),
    kept: sum(({ kept }) => kept),
    blocks: Math.max(0, ...parts.map(({ blocks }) => blocks)),
    seconds: sum(({ seconds }) => seconds),
    peak: Math.max(0, ...parts.map(({ peak }) => peak)),
  };
}

/** Two tables in Markdown: the targets, and how many inputs of each were read or refused, and why. */
export function formatFigures(all: readonly Figures[], seconds: number): string {
  const head = ['target', 'inputs', 'read', 'refused', 'found', 'kept', 'blocks', 'CPU seconds', 'peak memory'];
  const rows = all.map(({ target, inputs, outcomes, kept, blocks, seconds, peak }) => {
    const read = countOf(outcomes, 'read');
    const found = countOf(outcomes, 'finding');
    const numbers = [inputs, read, inputs - read - found, found, kept, blocks, Math.round(seconds)];
    return [`\`${target}\``, ...numbers.map((number) => number.toLocaleString('en')), `${Math.round(peak)} MiB`];
  });
  const codes = [...new Set(all.flatMap(({ outcomes }) => outcomes.map(([outcome]) => outcome)))].sort();
  const counts = codes.map((code) => [`\`${code}\``, ...all.map(({ outcomes }) => shown(countOf(outcomes, code)))]);
  const total = all.reduce((sum, { inputs }) => sum + inputs, 0).toLocaleString('en');
  const summary = `${total} inputs in ${Math.round(seconds)} s`;
  return [summary, table([head, ...rows]), table([['', ...all.map(({ target }) => target)], ...counts])].join('\n\n');
}

function countOf(outcomes: Figures['outcomes'], outcome: string): number {
  return outcomes.find(([name]) => name === outcome)?.[1] ?? 0;
}

function shown(count: number): string {
  return count === 0 ? '' : count.toLocaleString('en');
}

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
