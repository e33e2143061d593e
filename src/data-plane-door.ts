// The gateway threads as the control plane knows them.

import type { DataPlane } from './control/services.ts';
import type { SnapshotConfig } from './gateway/snapshot.ts';
import type { Observation, Supervisor } from './gateway/supervision.ts';
import type { ServedGateway } from './metrics/scrape.ts';
import type { SnapshotFile } from './snapshot-file.ts';

export interface AttachedDataPlane extends DataPlane {
  /** They serve this snapshot. */
  attach(supervisor: Supervisor, snapshot: SnapshotConfig): void;
  /** Undefined until they run. */
  observe(): Promise<Observation | undefined>;
  /** The gateways that are served, the management API left out. */
  listGateways(): ServedGateway[];
  /** What a later start can go back to. */
  keep(snapshot: SnapshotConfig): void;
}

/** Until they run there is nobody to tell: they start from the newest state. What they serve is kept in the file, if there is one. */
export function createDataPlane(file: SnapshotFile | undefined): AttachedDataPlane {
  let threads: Supervisor | undefined;
  let served: SnapshotConfig | undefined;
  return {
    attach(supervisor, snapshot) {
      threads = supervisor;
      served = snapshot;
    },
    observe: async () => threads?.observe(),
    listGateways: () =>
      (served?.gateways ?? []).flatMap(({ id, name, tenantId }) => (id === null ? [] : [{ id, name, tenantId }])),
    keep: (snapshot) => file?.save(snapshot),
    async publish(snapshot) {
      await threads?.publish(snapshot);
      if (served === undefined || snapshot.version >= served.version) served = snapshot;
      file?.save(snapshot);
    },
    forgetCredentials: async (publicIds) => threads?.forget(publicIds),
    flushRecords: async () => threads?.flushRecords(),
    health: async (gatewayId) => (await threads?.health(gatewayId)) ?? [],
  };
}
