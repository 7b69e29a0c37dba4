import { readFile } from 'node:fs/promises';
import { loadPackage } from './codec.js';

/** Result codes of libbz2. */
const OK = 0;
const NO_MEMORY = -3;
const OUTPUT_FULL = -8;

/** The most that `compress.c` can add, according to bzlib.h: 1 % plus this many bytes. */
const OVERHEAD = 600;
/** The default trade-off for repetitive data; see bzlib.h. */
const WORK_FACTOR = 30;
/** In bytes; enough for most blocks. */
const USUAL_OUTPUT = 4 * 1024 * 1024;
/** In bytes: a block of 900,000 bytes in which every five stand for 259. */
const LARGEST_OUTPUT = 180_000 * 259 + 259;

interface Exports {
  readonly memory: WebAssembly.Memory;
  malloc(size: number): number;
  free(address: number): void;
  __wasm_call_ctors(): void;
  BZ2_bzBuffToBuffCompress(
    to: number,
    toLength: number,
    from: number,
    length: number,
    level: number,
    verbosity: number,
    workFactor: number,
  ): number;
  BZ2_bzBuffToBuffDecompress(
    to: number,
    toLength: number,
    from: number,
    length: number,
    small: number,
    verbosity: number,
  ): number;
}

/** Compiles libbz2 1.0.8. The module can be sent to other threads. @throws as `loadPackage` */
export async function compileLibbz2(): Promise<WebAssembly.Module> {
  const code = await loadPackage('bzip2-wasm', () =>
    readFile(new URL(import.meta.resolve('bzip2-wasm/bzip2-1.0.8/bzip2.wasm'))),
  );
  return WebAssembly.compile(code);
}

/**
 * libbz2 with its own memory, which only grows. The package's own JavaScript is not used: it sets globals and process
 * handlers, and keeps views of the memory that become invalid when the memory grows.
 */
export class Libbz2 {
  readonly #exports: Exports;
  readonly #input: Area;
  readonly #output: Area;
  /** Address of the word through which lengths are passed. */
  readonly #length: number;

  constructor(module: WebAssembly.Module) {
    const none = () => 0;
    const env = {
      exit: () => {
        throw new Error('libbz2 aborted');
      },
      emscripten_memcpy_big: (to: number, from: number, length: number) =>
        void this.#bytes(0).copyWithin(to, from, from + length),
      emscripten_resize_heap: (size: number) => growTo(this.#exports.memory, size),
    };
    const system = { fd_close: none, fd_write: none, fd_seek: none };
    const instance = new WebAssembly.Instance(module, { env, wasi_snapshot_preview1: system });
    this.#exports = instance.exports as unknown as Exports;
    this.#exports.__wasm_call_ctors();
    this.#length = this.#exports.malloc(4);
    this.#input = new Area(this.#exports);
    this.#output = new Area(this.#exports);
  }

  /** Memory that it has, in bytes. */
  get memory(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** Where to write the bytes to decompress. Call it before `decompress`, with no other call in between. */
  input(size: number): Uint8Array {
    return this.#bytes(this.#input.atLeast(size), size);
  }

  /** @returns the bytes as one bzip2 stream */
  compress(bytes: Uint8Array, level: number): Uint8Array {
    this.input(Math.max(1, bytes.length)).set(bytes);
    const room = Math.ceil(bytes.length * 1.01) + OVERHEAD;
    const to = this.#output.atLeast(room);
    this.#setLength(room);
    const { BZ2_bzBuffToBuffCompress: compress } = this.#exports;
    const result = compress(to, this.#length, this.#input.address, bytes.length, level, 0, WORK_FACTOR);
    if (result !== OK) throw new Error(`libbz2 failed to compress (${result})`);
    return this.#taken().slice();
  }

  /**
   * Decodes a stream of one block.
   *
   * @param length length of the input, in bytes
   * @returns the block, valid until the next call; `undefined` if the input is damaged
   */
  decompress(length: number): Uint8Array | undefined {
    const room = Math.max(this.#output.size, USUAL_OUTPUT);
    const to = this.#output.atLeast(room);
    this.#setLength(room);
    const { BZ2_bzBuffToBuffDecompress: decompress } = this.#exports;
    const result = decompress(to, this.#length, this.#input.address, length, 0, 0);
    if (result === OK) return this.#taken();
    if (result === NO_MEMORY) throw new Error('not enough memory for its blocks');
    if (result !== OUTPUT_FULL || room === LARGEST_OUTPUT) return undefined;
    this.#output.atLeast(LARGEST_OUTPUT);
    return this.decompress(length);
  }

  #bytes(address: number, length?: number): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer, address, length);
  }

  #setLength(length: number): void {
    new DataView(this.#exports.memory.buffer).setUint32(this.#length, length, true);
  }

  #taken(): Uint8Array {
    return this.#bytes(this.#output.address, new DataView(this.#exports.memory.buffer).getUint32(this.#length, true));
  }
}

/** A resizable area of the memory. */
class Area {
  readonly #exports: Exports;
  address = 0;
  size = 0;

  constructor(exports: Exports) {
    this.#exports = exports;
  }

  /** Growing discards the contents. @returns its address */
  atLeast(size: number): number {
    if (size <= this.size) return this.address;
    this.#exports.free(this.address);
    this.size = 0;
    this.address = this.#exports.malloc(size);
    if (this.address === 0) throw new Error('not enough memory for its blocks');
    this.size = size;
    return this.address;
  }
}

/** @returns 1 if there was enough memory, else 0 */
function growTo(memory: WebAssembly.Memory, size: number): number {
  try {
    memory.grow(Math.ceil((size - memory.buffer.byteLength) / 2 ** 16));
    return 1;
  } catch {
    return 0;
  }
}
