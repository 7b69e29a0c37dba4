/** The part of WebAssembly that is used. Node has WebAssembly, but its types come only with those of browsers. */
declare namespace WebAssembly {
  class Memory {
    readonly buffer: ArrayBuffer;
    /** @param pages pages of 64 KiB to add @throws RangeError when there is no memory left */
    grow(pages: number): number;
  }

  class Module {
    /** Opaque. */
    private readonly compiled;
  }

  class Instance {
    constructor(
      module: Module,
      imports: Readonly<Record<string, Readonly<Record<string, (...args: number[]) => unknown>>>>,
    );
    readonly exports: Readonly<Record<string, unknown>>;
  }

  function compile(bytes: Uint8Array): Promise<Module>;
}
/**
 * The part of xz-decompress that is used: the decoder inside it (xz-embedded as WebAssembly). The package's stream is
 * not used, because it reads one archive at a time in a process and does not report its errors. The version is pinned
 * for this reason.
 */
declare module 'xz-decompress' {
  const XzReadableStream: {
    /** Replaces `_moduleInstance` with a new instance. */
    _getModuleInstance(): Promise<void>;
    readonly _moduleInstance: { readonly exports: XzEmbedded };
  };

  export interface XzEmbedded {
    readonly memory: WebAssembly.Memory;
    /** @returns address of the state: seven 32-bit numbers, see `XzDecoder` */
    create_context(): number;
    destroy_context(context: number): void;
    /** @param length number of bytes written into the input buffer; 0 for the end of the input */
    supply_input(context: number, length: number): void;
    /** @returns 0; 1 at the end; otherwise an error of `enum xz_ret` */
    get_next_output(context: number): number;
  }

  const bundle: { readonly XzReadableStream: typeof XzReadableStream };
  export default bundle;
}
/**
 * The part of lzma-native that is used: liblzma's multithreaded encoder, without the stream around it, which cannot be
 * stopped early.
 */
declare module 'lzma-native' {
  interface EncoderOptions {
    readonly filters: readonly { readonly id: string; readonly options: { readonly preset: number } }[];
    readonly check: number;
    readonly threads: number;
    /** In bytes. */
    readonly blockSize: number;
  }

  class Stream {
    streamEncoder(options: EncoderOptions): void;
    /** Sets the size of the output pieces, in bytes. */
    setBufsize(size: number): number;
    /** Takes a piece of input, or `null` for the end. It works in another thread and then calls `bufferHandler`. */
    code(piece: Uint8Array | null, isAsynchronous: true): void;
    /**
     * Waits for the encoder's threads and frees everything that it holds. Do not call it while the encoder is working.
     */
    resetUnderlying(): void;
    /**
     * Called for each piece of output; then with `null` at the end, or with an error; then with the number of input
     * pieces that have been consumed.
     */
    bufferHandler: (
      output: Buffer | null | undefined,
      taken: number | undefined,
      error: Error | null | undefined,
    ) => void;
  }

  const lzma: { readonly Stream: typeof Stream; readonly FILTER_LZMA2: string; readonly CHECK_CRC64: number };
  export default lzma;
}
