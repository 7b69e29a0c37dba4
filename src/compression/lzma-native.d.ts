/** What is used of lzma-native: liblzma's encoder with threads, without the stream around it, which nothing ends early. */
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
    /** Of the pieces that come out, in bytes. */
    setBufsize(size: number): number;
    /** Takes a piece of input, or `null` for its end; it works in another thread and then calls `bufferHandler`. */
    code(piece: Uint8Array | null, isAsynchronous: true): void;
    /** Frees all that the encoder holds, and waits for its threads. Not while it works. */
    resetUnderlying(): void;
    /**
     * Called for each piece of output; then with `null` at the end, or in case of an error, which comes with it; then with
     * the number of pieces of input that have been taken.
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
