// The gateway threads as the control plane knows them.

import type { DataPlane } from './control/services.ts';
import type { SnapshotConfig } from './gateway/snapshot.ts';
import type { Supervisor } from './gateway/supervision.ts';
import type { SnapshotFile } from './snapshot-file.ts';

export interface AttachedDataPlane extends DataPlane {
  attach(supervisor: Supervisor): void;
  /** What a later start can go back to. */
  keep(snapshot: SnapshotConfig): void;
}

/** Until they run there is nobody to tell: they start from the newest state. What they serve is kept in the file, if there is one. */
export function createDataPlane(file: SnapshotFile | undefined): AttachedDataPlane {
  let threads: Supervisor | undefined;
  return {
    attach(supervisor) {
      threads = supervisor;
    },
    keep: (snapshot) => file?.save(snapshot),
    async publish(snapshot) {
      await threads?.publish(snapshot);
      file?.save(snapshot);
    },
    forgetCredentials: async (publicIds) => threads?.forget(publicIds),
    flushRecords: async () => threads?.flushRecords(),
    health: async (gatewayId) => (await threads?.health(gatewayId)) ?? [],
  };
}
