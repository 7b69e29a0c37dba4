import type { Writable } from 'node:stream';
import type { DimgxError, Warn } from '../errors.js';
import type { TargetOptions } from '../options.js';
import { type Destination, findDestination } from './destination.js';
import { refuseSame } from './same-target.js';

/** One of the outputs of a run, as the caller names it. */
export interface Output {
  /** What the caller calls it, for messages: `--mtree`. */
  readonly label: string;
  /** A path, `-` for standard output, or a stream. */
  readonly target: string | Writable;
  readonly options: TargetOptions;
}

/** The outputs of a run, each under a key of its own. */
export type Outputs = Readonly<Record<string, Output | undefined>>;

/** The destination of each output, under the same key. */
export type DestinationsOf<O extends Outputs> = {
  readonly [Key in keyof O]: Destination | Extract<O[Key], undefined>;
};

export interface FindOptions {
  readonly warn: Warn;
  /** Called once for each stream that stops accepting data during the work. */
  readonly onLost: (failure: DimgxError) => void;
}

/**
 * Does work with the destinations of all outputs. First it checks that each can be written, and that no two are the
 * same. The caller's streams are watched until the work is done.
 *
 * @throws DIMGX_TARGET_SAME, what `findDestination` throws, and what `work` throws
 */
export async function withDestinations<O extends Outputs, T>(
  outputs: O,
  { warn, onLost }: FindOptions,
  work: (destinations: DestinationsOf<O>) => Promise<T>,
): Promise<T> {
  const finding = Object.entries(outputs).map(async ([key, output]) => {
    if (!output) return undefined;
    const destination = await findDestination(output.target, output.options, warn);
    return { key, label: output.label, destination };
  });
  const settled = await Promise.allSettled(finding);
  const found = settled.flatMap((one) => (one.status === 'fulfilled' && one.value ? [one.value] : []));
  try {
    for (const one of settled) if (one.status === 'rejected') throw one.reason;
    await refuseSame(found);
    for (const { destination } of found) if (destination.kind === 'stream') destination.stream.onLost(onLost);
    return await work(Object.fromEntries(found.map(({ key, destination }) => [key, destination])) as DestinationsOf<O>);
  } finally {
    for (const { destination } of found) if (destination.kind === 'stream') destination.stream.release();
  }
}
