// What this process holds in memory once the garbage is gone.

/** Bytes: heap, and the buffers beside it. Needs `--expose-gc`. */
export function collectGarbage(): number {
  if (globalThis.gc === undefined) throw new Error('start node with --expose-gc');
  // Buffers are let go by finalizers, a collection later.
  for (let i = 0; i < 3; i++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export function toMegabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
