import { ZSTDDecoder } from 'zstddec/stream';
import { Converter } from './converter.js';
import type { MakeFrameDecoder } from './zstd-decoder.js';

/** Results from here on are errors, as `ZSTD_isError` has it; below, a hint of how much is wanted next. */
const FIRST_ERROR = 2 ** 32 - 120;
/** Of `ZSTD_inBuffer` and `ZSTD_outBuffer`: where the bytes are, their number, how many are done with; of 32 bits each. */
const BUFFER = 12;

interface Exports {
  readonly memory: WebAssembly.Memory;
  malloc(size: number): number;
  ZSTD_createDCtx(): number;
  ZSTD_DStreamInSize(): number;
  ZSTD_DStreamOutSize(): number;
  ZSTD_decompressStream(context: number, output: number, input: number): number;
}

/** What is used of zstddec: the code within, not its decoder, which has one memory for a process and never gives back a stream. */
class Library extends ZSTDDecoder {
  module: WebAssembly.Module | undefined;

  /** Is called without an object. */
  override _init: (result: { readonly module: WebAssembly.Module }) => void = (result) => {
    this.module = result.module;
  };
}

/** Decodes zstd where node:zlib cannot. The library works in the thread that calls it; each stream has a memory of its own. */
export async function loadWasmDecoder(): Promise<MakeFrameDecoder> {
  const module = await compiled();
  return () => new WasmDecoder(module);
}

let compiling: Promise<WebAssembly.Module> | undefined;

/** The library compiles it once for a process, and hands it on that one time. */
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
  /** Whether it is within a frame. */
  #isOpen = false;

  constructor(module: WebAssembly.Module) {
    super();
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

  /** @returns whether there is more of the input, or of what came of it */
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
