import type { Duplex } from 'node:stream';
import { parentPort } from 'node:worker_threads';
import { DimgxError } from '../errors.js';
import { codecOf } from './codecs.js';
import { unjoined } from './decode-into.js';
import type { DecoderAnswer, DecoderRequest } from './decoder-threads.js';

/** Worker-thread side of `DecoderThreads`: runs several decoders, each as far as its reader wants. */

/** By the id of each decoder. */
const decoders = new Map<number, Promise<HostedDecoder>>();

function answer(message: DecoderAnswer, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

class HostedDecoder {
  readonly #id: number;
  readonly #decoder: Duplex;
  /** Number of pieces that the reader wants. */
  #wanted = 0;
  #onWanted: (() => void) | undefined;

  constructor(id: number, decoder: Duplex) {
    this.#id = id;
    this.#decoder = decoder;
    void this.#passOn();
  }

  write(bytes: Uint8Array): void {
    this.#decoder.write(bytes, (failure) => {
      if (!failure) answer({ id: this.#id, kind: 'taken' });
    });
  }

  end(): void {
    this.#decoder.end();
  }

  want(): void {
    this.#wanted++;
    this.#onWanted?.();
  }

  destroy(): void {
    this.#decoder.destroy();
    this.#onWanted?.();
  }

  async #passOn(): Promise<void> {
    try {
      for await (const piece of unjoined(this.#decoder)) {
        while (this.#wanted === 0 && !this.#decoder.destroyed) {
          await new Promise<void>((resolve) => {
            this.#onWanted = resolve;
          });
        }
        this.#wanted--;
        const bytes = piece as Buffer<ArrayBuffer>;
        const isWhole = bytes.byteLength === bytes.buffer.byteLength;
        answer({ id: this.#id, kind: 'piece', bytes }, isWhole ? [bytes.buffer] : []);
      }
      answer({ id: this.#id, kind: 'ended' });
    } catch (error) {
      refuse(this.#id, error);
    }
  }
}

async function open({ id, compression, waiting }: Extract<DecoderRequest, { kind: 'open' }>) {
  const makeDecoder = await codecOf(compression).loadDecoder();
  return new HostedDecoder(id, makeDecoder(waiting));
}

function refuse(id: number, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  answer({ id, kind: 'failed', message, code: error instanceof DimgxError ? error.code : undefined });
}

async function serve(request: DecoderRequest): Promise<void> {
  const { id, kind } = request;
  if (kind === 'open') decoders.set(id, open(request));
  const decoder = await decoders.get(id);
  if (kind === 'write') decoder?.write(request.bytes);
  else if (kind === 'end') decoder?.end();
  else if (kind === 'want') decoder?.want();
  else if (kind === 'close') {
    decoder?.destroy();
    decoders.delete(id);
  }
}

parentPort?.on('message', (request: DecoderRequest) => {
  serve(request).catch((error: unknown) => refuse(request.id, error));
});

answer({ id: 0, kind: 'ready' });
