// Takes in a snapshot beside the requests: where its gateways stand, not what they are, with a look at the sockets in between. A gateway that
// is as it was stays compiled; the others are when somebody needs them, so that a deploy costs what is used of it.

import type { Snapshot } from './compile.ts';
import { type PackedSnapshot, readPacked } from './packed-snapshot.ts';
import type { Plan } from './plan.ts';
import { PublishedGateway, type PublishedDeps } from './published-gateway.ts';
import { openRouter } from './router.ts';
import { openSlices, type SlicesDeps } from './slices.ts';

/** How long requests may wait for one step. */
const SLICE_MS = 0.25;

export interface LoadedSnapshot extends Snapshot {
  readonly gateways: readonly PublishedGateway[];
}

export interface SnapshotLoader {
  /** A snapshot to swap in, which was checked before it was packed; or why it cannot be served, in lines to read. */
  load(packed: PackedSnapshot): Promise<LoadedSnapshot | readonly string[]>;
  /** The same at once, where no requests wait. */
  loadNow(packed: PackedSnapshot): LoadedSnapshot | readonly string[];
}

export interface LoaderDeps extends PublishedDeps, SlicesDeps {}

export function createSnapshotLoader(deps: LoaderDeps): SnapshotLoader {
  /** Of the last snapshot that was loaded, by digest. */
  let known: ReadonlyMap<string, PublishedGateway> = new Map();

  /** Stops where others may have a turn. */
  function* load(packed: PackedSnapshot): Generator<undefined, LoadedSnapshot | readonly string[]> {
    const router = openRouter<Plan>(packed.paths);
    const gateways = new Map<string, PublishedGateway>();
    for (const one of readPacked(packed)) {
      const { head } = one;
      const gateway = known.get(head.digest) ?? new PublishedGateway(one, deps);
      gateway.moveTo(one);
      gateways.set(head.digest, gateway);
      deps.requestCounts.rowOf(head.id); // What it counts begins at nothing, not at its first request.
      const mount = { prefix: head.routePrefix, isReserved: head.id === null, routes: () => gateway.routes() };
      for (const host of head.hosts ?? [undefined]) router.mount({ ...mount, host });
      yield;
    }
    for (const gateway of gateways.values()) {
      if (gateway.head.waits !== 'needed') continue;
      gateway.routes();
      if (gateway.head.id === null && gateway.isBroken) return ['the management API cannot be served'];
      yield;
    }
    known = gateways;
    return { version: packed.version, router, gateways: [...gateways.values()] };
  }

  return {
    async load(packed) {
      const slices = openSlices(SLICE_MS, deps);
      const steps = load(packed);
      let step = steps.next();
      for (; step.done !== true; step = steps.next()) await slices.end();
      return step.value;
    },
    loadNow(packed) {
      const steps = load(packed);
      let step = steps.next();
      while (step.done !== true) step = steps.next();
      return step.value;
    },
  };
}
