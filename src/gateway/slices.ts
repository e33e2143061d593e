// Long work in short slices, with a turn for everybody else in between.

import type { Clock } from '../lib/clock.ts';

export interface SlicesDeps {
  readonly clock: Clock;
  /** Lets everybody else have a turn. */
  readonly pause: () => Promise<void>;
}

export interface Slices {
  /** Pauses when the time of this slice is over. */
  end(): Promise<void> | undefined;
}

export function openSlices(sliceMs: number, { clock, pause }: SlicesDeps): Slices {
  let begin = clock.monotonicMs();
  return {
    end() {
      if (clock.monotonicMs() - begin < sliceMs) return undefined;
      return pause().then(() => {
        begin = clock.monotonicMs();
      });
    },
  };
}
