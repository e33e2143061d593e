// A timer as an argument, so that tests can hold it still.

/** Calls back once after so many milliseconds, unless it is cancelled before. */
export function later(callback: () => void, ms: number): { cancel(): void } {
  const timer = setTimeout(callback, ms);
  return { cancel: () => clearTimeout(timer) };
}
