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
