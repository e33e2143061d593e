// What we use of WebAssembly, whose types come with the browser's library only.

declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { readonly initial: number; readonly maximum: number; readonly shared: true });
    readonly buffer: SharedArrayBuffer;
  }

  // oxlint-disable-next-line typescript/no-extraneous-class -- a declaration of what there is
  class Module {
    constructor(bytes: Uint8Array);
  }

  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, Memory>>>>);
    /** Functions of 32-bit integers, in our modules. */
    readonly exports: Readonly<Record<string, (...integers: number[]) => number>>;
  }
}
