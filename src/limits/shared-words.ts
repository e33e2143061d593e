// Words of memory that all threads of the process share, and the operation on which exact limits rest: compare-and-swap of 64 bits.
//
// JavaScript has it for BigInt only, with an allocation and a call into the engine each time; the processor's own is one instruction,
// which WebAssembly gives us (bench/limits.ts prints what either costs). So the memory is a WebAssembly.Memory, whose buffer is a
// SharedArrayBuffer like any other, and the module below is that instruction with what is needed to call it.

const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;

/**
 * Replaces the 64 bits at an even index (the low 32 first) when they are what is expected, in the one order that all threads see.
 * Returns 1 when they were, else 0. All numbers are 32-bit words.
 */
// oxlint-disable-next-line max-params -- a word is 32 bits, and what is swapped has 64: an object for each swap would cost more than the swap
type Swap = (index: number, expectedLow: number, expectedHigh: number, low: number, high: number) => number;

/** What the counters are built on. A test puts something in its place that can be stopped between any two steps. */
export interface Words {
  /** The word as this thread sees it: a guess, unless something else keeps the others from changing it. */
  load(index: number): number;
  /** The word as it is, in the one order that all threads see. */
  fresh(index: number): number;
  /** Writes what only this thread writes; others see it at the latest when they see this thread's next swap. */
  store(index: number, value: number): void;
  readonly swap: Swap;
}

/** Memory for so many 32-bit words, all zero. */
export function createSharedMemory(words: number): WebAssembly.Memory {
  const pages = Math.ceil((words * Int32Array.BYTES_PER_ELEMENT) / PAGE_BYTES);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

export class SharedWords implements Words {
  readonly swap: Swap;
  readonly #words: Int32Array;

  constructor(memory: WebAssembly.Memory) {
    this.#words = new Int32Array(memory.buffer);
    const { swap } = new WebAssembly.Instance(new WebAssembly.Module(SWAP_MODULE), { m: { m: memory } }).exports;
    if (swap === undefined) throw new Error('the module has no swap');
    this.swap = swap;
  }

  load(index: number): number {
    return this.#words[index] ?? 0;
  }

  fresh(index: number): number {
    return Atomics.load(this.#words, index);
  }

  store(index: number, value: number): void {
    this.#words[index] = value;
  }
}

const I32 = 0x7f;

// The WebAssembly binary format: a header, then sections, each a number, its length and its content.
const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]; // "\0asm", version 1
const TYPES = [1, 0x60, 5, I32, I32, I32, I32, I32, 1, I32]; // one type: five i32 give an i32
const IMPORTS = [1, 1, 0x6d, 1, 0x6d, 2, 3, 1, ...toLeb128(MAX_PAGES)]; // the memory "m.m": shared, of 1 to so many pages
const FUNCTIONS = [1, 0]; // one function, of the first type
const EXPORTS = [1, 4, 0x73, 0x77, 0x61, 0x70, 0, 0]; // the first function, as "swap"

const LOCALS = [1, 1, 0x7e]; // one of type i64, number 5 after the parameters
const ADDRESS = [0x20, 0, 0x41, 2, 0x74]; // local.get 0, i32.const 2, i32.shl: four bytes a word
const EXPECTED = [...pack(1, 2), 0x22, 5]; // and local.tee 5
const REPLACEMENT = pack(3, 4);
const SWAP = [0xfe, 0x49, 3, 0]; // i64.atomic.rmw.cmpxchg, aligned to 2 ** 3 bytes, at offset 0: leaves what was there
const ANSWER = [0x20, 5, 0x51, 0x0b]; // local.get 5, i64.eq, end
const BODY = [...LOCALS, ...ADDRESS, ...EXPECTED, ...REPLACEMENT, ...SWAP, ...ANSWER];

const SWAP_MODULE = new Uint8Array([
  ...HEADER,
  ...section(1, TYPES),
  ...section(2, IMPORTS),
  ...section(3, FUNCTIONS),
  ...section(7, EXPORTS),
  ...section(10, [1, BODY.length, ...BODY]),
]);

/** Two 32-bit parameters as one i64: low, i64.extend_i32_u, high, i64.extend_i32_u, i64.const 32, i64.shl, i64.or. */
function pack(low: number, high: number): number[] {
  return [0x20, low, 0xad, 0x20, high, 0xad, 0x42, 32, 0x86, 0x84];
}

function section(number: number, content: readonly number[]): number[] {
  return [number, content.length, ...content];
}

/** Seven bits a byte, the lowest first. */
function toLeb128(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...toLeb128(value >>> 7)];
}
