/** What is used of WebAssembly: Node has it, but its types come with those of browsers. */
declare namespace WebAssembly {
  class Memory {
    readonly buffer: ArrayBuffer;
    /** @param pages of 64 KiB @throws RangeError when there is no memory left */
    grow(pages: number): number;
  }

  class Module {
    /** Nothing of it can be seen. */
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
