/**
 * What is used of xz-decompress: not its stream, which reads one archive at a time in a process and tells nothing of its
 * errors, but the decoder within (xz-embedded as WebAssembly). The version is pinned for that.
 */
declare module 'xz-decompress' {
  const XzReadableStream: {
    /** Replaces `_moduleInstance` by a new one. */
    _getModuleInstance(): Promise<void>;
    readonly _moduleInstance: { readonly exports: XzEmbedded };
  };

  export interface XzEmbedded {
    readonly memory: WebAssembly.Memory;
    /** @returns where its state lies: seven 32-bit numbers, see `XzDecoder` */
    create_context(): number;
    destroy_context(context: number): void;
    /** @param length of what was written into the input buffer; 0 for the end of the input */
    supply_input(context: number, length: number): void;
    /** @returns 0, or 1 at the end, else an error of `enum xz_ret` */
    get_next_output(context: number): number;
  }

  const bundle: { readonly XzReadableStream: typeof XzReadableStream };
  export default bundle;
}
