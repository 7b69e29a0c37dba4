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
