// What several rounds say together.

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function toSpread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const min = sorted[0];
  const max = sorted.at(-1);
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  const upper = sorted[Math.floor(sorted.length / 2)];
  if (min === undefined || max === undefined || lower === undefined || upper === undefined)
    throw new Error('There is no median of nothing.');
  return { median: (lower + upper) / 2, min, max };
}

/** The value that so great a part of the values does not exceed (nearest rank). They are in order. */
export function toPercentile(ordered: ArrayLike<number>, part: number): number {
  const value = ordered[Math.max(0, Math.ceil(part * ordered.length) - 1)];
  if (value === undefined) throw new Error('There is no percentile of nothing.');
  return value;
}
