// The snapshots that a thread is told to serve: one is taken in at a time, and of those that wait the newest holds.

import type { PackedSnapshot } from './packed-snapshot.ts';
import type { LoadedSnapshot, SnapshotLoader } from './snapshot-loader.ts';

export interface Publications {
  /** `done` is called when this snapshot or a newer one is served, or with what is wrong with it. */
  readonly publish: (snapshot: PackedSnapshot, done: (faults: readonly string[]) => void) => void;
}

interface Waiting {
  readonly snapshot: PackedSnapshot;
  readonly done: ((faults: readonly string[]) => void)[];
}

export function createPublications(
  loader: Pick<SnapshotLoader, 'load'>,
  swap: (snapshot: LoadedSnapshot) => void,
): Publications {
  let waiting: Waiting | undefined;
  let isLoading = false;

  async function work(): Promise<void> {
    isLoading = true;
    while (waiting !== undefined) {
      const { snapshot, done } = waiting;
      waiting = undefined;
      const faults = await serve(snapshot);
      for (const tell of done) tell(faults);
    }
    isLoading = false;
  }

  async function serve(packed: PackedSnapshot): Promise<readonly string[]> {
    try {
      const loaded = await loader.load(packed);
      if (!('router' in loaded)) return loaded;
      swap(loaded);
      return [];
    } catch (cause) {
      return [`it could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`];
    }
  }

  return {
    publish(snapshot, done) {
      waiting = { snapshot, done: [...(waiting?.done ?? []), done] };
      if (!isLoading) void work();
    },
  };
}
