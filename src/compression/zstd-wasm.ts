import { ZSTDDecoder } from 'zstddec/stream';
import { Converter } from './converter.js';
import type { FrameDecoders } from './zstd-frames.js';

/** Results from here on are errors, as in `ZSTD_isError`. Lower results hint at how much input is wanted next. */
const FIRST_ERROR = 2 ** 32 - 120;
/** Size of `ZSTD_inBuffer` and `ZSTD_outBuffer`, in bytes: address, length and position, 32 bits each. */
const BUFFER = 12;
/** What a decoder was measured to need besides its window, in bytes. */
const WITHOUT_WINDOW = 3.5 * 1024 * 1024;

interface Exports {
  readonly memory: WebAssembly.Memory;
  malloc(size: number): number;
  ZSTD_createDCtx(): number;
  ZSTD_DStreamInSize(): number;
  ZSTD_DStreamOutSize(): number;
  ZSTD_decompressStream(context: number, output: number, input: number): number;
}

/**
 * The part of zstddec that is used: its compiled code. Its decoder has one memory for the whole process, and never
 * frees a stream.
 */
class Library extends ZSTDDecoder {
  module: WebAssembly.Module | undefined;

  /** Called without an object as `this`. */
  override _init: (result: { readonly module: WebAssembly.Module }) => void = (result) => {
    this.module = result.module;
  };
}

/** Decodes zstd where node:zlib cannot. It works on the calling thread; each stream has its own memory. */
export async function loadWasmDecoders(): Promise<FrameDecoders> {
  const module = await compiled();
  return { make: (waiting) => new WasmDecoder(module, waiting), memory: WITHOUT_WINDOW };
}

let compiling: Promise<WebAssembly.Module> | undefined;

/** The library compiles the module once for each process, and hands it out only that one time. */
function compiled(): Promise<WebAssembly.Module> {
  compiling ??= (async () => {
    const library = new Library();
    await library.init();
    return library.module as WebAssembly.Module;
  })();
  return compiling;
}

class WasmDecoder extends Converter {
  readonly #zstd: Exports;
  readonly #context: number;
  readonly #from: number;
  readonly #fromSize: number;
  readonly #to: number;
  readonly #toSize: number;
  readonly #input: number;
  readonly #output: number;
  /** Whether it is inside a frame. */
  #isOpen = false;

  constructor(module: WebAssembly.Module, waiting?: number) {
    super(waiting);
    const imports = { env: { emscripten_notify_memory_growth: () => undefined } };
    this.#zstd = new WebAssembly.Instance(module, imports).exports as unknown as Exports;
    this.#context = this.#zstd.ZSTD_createDCtx();
    this.#fromSize = this.#zstd.ZSTD_DStreamInSize();
    this.#toSize = this.#zstd.ZSTD_DStreamOutSize();
    [this.#from, this.#to] = [this.#zstd.malloc(this.#fromSize), this.#zstd.malloc(this.#toSize)];
    [this.#input, this.#output] = [this.#zstd.malloc(BUFFER), this.#zstd.malloc(BUFFER)];
  }

  protected override async accept(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !this.destroyed; at += this.#fromSize) {
      const piece = bytes.subarray(at, at + this.#fromSize);
      new Uint8Array(this.#zstd.memory.buffer, this.#from).set(piece);
      this.#describe(this.#input, this.#from, piece.length);
      while (!this.destroyed && (await this.#step(piece.length)));
    }
  }

  protected override async finish(): Promise<void> {
    if (this.#isOpen) throw new Error('unexpected end of data');
  }

  /** @returns whether more input is left, or more output from it */
  async #step(length: number): Promise<boolean> {
    this.#describe(this.#output, this.#to, this.#toSize);
    const result = this.#zstd.ZSTD_decompressStream(this.#context, this.#output, this.#input) >>> 0;
    if (result >= FIRST_ERROR) throw new Error(`invalid data, or a wrong checksum (${2 ** 32 - result})`);
    this.#isOpen = result !== 0;
    const made = this.#done(this.#output);
    if (made > 0) await this.put(Buffer.from(new Uint8Array(this.#zstd.memory.buffer, this.#to, made)));
    return this.#done(this.#input) < length || (this.#isOpen && made === this.#toSize);
  }

  #describe(buffer: number, address: number, length: number): void {
    new Uint32Array(this.#zstd.memory.buffer, buffer, 3).set([address, length, 0]);
  }

  #done(buffer: number): number {
    return new Uint32Array(this.#zstd.memory.buffer, buffer, 3)[2] as number;
  }
}
