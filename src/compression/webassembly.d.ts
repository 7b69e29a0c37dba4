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
