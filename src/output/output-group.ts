import { setMaxListeners } from 'node:events';
import { onAbort } from '../base/call/on-abort.js';
import { throwIfAborted } from '../errors.js';
import type { TarFiller } from '../extract/assembler.js';
import type { Destination } from './destination.js';
import { FileSink, openFileSink } from './file-sink.js';
import { openDescriptorSink, openInPlaceSink } from './in-place-sink.js';
import { putInPlace } from './put-in-place.js';
import { RecordFile } from './record-file.js';
import { openStreamSink, type Sink } from './sink.js';
import { writeTar } from './write-tar.js';

export interface TogetherOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once everything is written, before anything is published. If it throws, the whole call fails. */
  readonly settle?: (() => Promise<void>) | undefined;
}

/**
 * Writes all outputs of a run, and publishes them together: either all files appear under their names, or none.
 *
 * @param work writes them; it must not return before all its writes have ended
 * @returns what `work` returns
 * @throws DIMGX_TARGET_*, DIMGX_ABORTED and what `work` throws; nothing new is left behind then
 */
export async function writeTogether<T>(
  destinations: readonly Destination[],
  { signal, settle }: TogetherOptions,
  work: (outputs: OutputGroup) => Promise<T>,
): Promise<T> {
  const outputs = new OutputGroup(signal);
  try {
    await outputs.open(destinations);
    const result = await work(outputs);
    await outputs.publish(settle);
    return result;
  } catch (error) {
    await outputs.discard(error);
    throwIfAborted(signal);
    throw error;
  }
}

/** The outputs of a run: tars and records. At the end, call `publish`; if anything fails, call `discard`. */
export class OutputGroup {
  /** Aborted when the caller aborts, and when one output fails: then no other may be written or waited for. */
  readonly #controller = new AbortController();
  readonly #release: () => void;
  /** In the order of the destinations. */
  readonly #sinks = new Map<Destination, Sink>();
  readonly #records: RecordFile[] = [];

  constructor(signal?: AbortSignal) {
    setMaxListeners(0, this.#signal); // any number of streams may listen to it
    const abort = () => this.#controller.abort(signal?.reason);
    this.#release = signal && !signal.aborted ? onAbort(signal, abort) : () => {};
    if (signal?.aborted) abort();
  }

  /**
   * Opens all outputs at once: readers of several FIFOs may come in any order.
   *
   * @throws DIMGX_TARGET_*, DIMGX_TOO_MANY_FILES, DIMGX_ABORTED
   */
  async open(destinations: readonly Destination[]): Promise<void> {
    const failures: unknown[] = [];
    const openings = destinations.map((destination) =>
      openSink(destination, this.#signal).catch((error: unknown) => {
        failures.push(error);
        this.#controller.abort(error);
      }),
    );
    for (const [i, sink] of (await Promise.all(openings)).entries()) {
      if (sink) this.#sinks.set(destinations[i] as Destination, sink);
    }
    if (failures.length > 0) throw failures[0];
  }

  /**
   * Writes a whole tar, and closes it.
   *
   * @param onBytes called with the bytes of the tar, before compression, since the last call; with 0 at the end
   * @returns bytes written, after compression
   * @throws DIMGX_TARGET_*, DIMGX_ABORTED and what the assembler throws
   */
  tarInto(destination: Destination, tar: TarFiller, onBytes: (bytes: number) => void): Promise<number> {
    return writeTar(this.#sinkOf(destination), destination.encoder, tar, { signal: this.#signal, onBytes });
  }

  /** A text that is written as it is, without compression. `publish` ends it. */
  recordInto(destination: Destination): RecordFile {
    const record = new RecordFile(this.#sinkOf(destination));
    this.#records.push(record);
    return record;
  }

  /**
   * Ends all outputs, then gives all files their names. What is written in place comes before, because it cannot be
   * taken back, and its reader may fail. No abort is heeded once the first file gets its name.
   *
   * @throws DIMGX_TARGET_*, DIMGX_ABORTED and what `settle` throws; call `discard` then
   */
  async publish(settle?: () => Promise<void>): Promise<void> {
    const sinks = [...this.#sinks.values()];
    const files = sinks.filter((sink) => sink instanceof FileSink);
    await Promise.all(this.#records.map((record) => record.end()));
    await settle?.();
    throwIfAborted(this.#signal);
    const ended = await Promise.allSettled(files.map((file) => file.end()));
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
    await Promise.all(sinks.map((sink) => (sink instanceof FileSink ? undefined : sink.end())));
    throwIfAborted(this.#signal);
    putInPlace(files.map(({ file }) => file));
    this.#release();
    await Promise.all(files.map((file) => file.release()));
  }

  /** Removes all files that were written, and destroys streams that were begun. */
  async discard(reason: unknown): Promise<void> {
    this.#controller.abort(reason);
    this.#release();
    await Promise.all([...this.#sinks.values()].map((sink) => sink.discard(reason)));
  }

  get #signal(): AbortSignal {
    return this.#controller.signal;
  }

  #sinkOf(destination: Destination): Sink {
    return this.#sinks.get(destination) as Sink;
  }
}

async function openSink(destination: Destination, signal: AbortSignal): Promise<Sink> {
  if (destination.kind === 'stream') return openStreamSink(destination.stream, signal);
  if (destination.kind === 'descriptor') return openDescriptorSink(destination.fd, destination.name, signal);
  if (destination.kind === 'inPlace') return openInPlaceSink(destination, signal);
  return openFileSink(destination.path, destination.overwrite, signal);
}
