// What the operations of the control plane work with. Made once, by control-plane.ts.

import type { Kysely } from 'kysely';
import type { Database, RateLimit } from '../db/schema.ts';
import type { Policy } from '../gateway/policy.ts';
import type { Credential, Rehash, ServiceHealth } from '../gateway/ports.ts';
import type { GatewayConfig, PathRules, SnapshotConfig } from '../gateway/snapshot.ts';
import type { Clock } from '../lib/clock.ts';
import { deriveKey } from '../lib/derive-key.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Together } from '../lib/together.ts';
import type { UndefinedScopes } from './defined-scopes.ts';
import { createKeysTogether, type KeyJob, type MadeKey } from './keys/make.ts';
import { loadCredential, loadCredentials } from './publish/credentials.ts';
import { saveRehash } from './publish/rehash.ts';
import { loadSnapshot } from './publish/snapshots.ts';

/** The gateway threads of this node, as the control plane needs them. */
export interface DataPlane {
  /** Resolves when every thread serves the snapshot, or a newer one. */
  publish(snapshot: SnapshotConfig): Promise<void>;
  /** Resolves when no thread remembers these keys, or any. */
  forgetCredentials(publicIds: readonly string[] | 'all'): Promise<void>;
  /** Resolves when every exchange that has ended is in the request log. */
  flushRecords(): Promise<void>;
  /** How the targets of a gateway are, as each thread sees it. */
  health(gatewayId: string): Promise<readonly (readonly ServiceHealth[])[]>;
}

/** What this node tells of itself. */
export interface Metrics {
  /** Whether whoever calls from this address may have them. */
  isAllowed(address: string): boolean;
  /** As text (lib/exposition.ts). */
  scrape(): Promise<string>;
}

export interface ReadinessCheck {
  readonly name: string;
  /** Rejects when the dependency cannot be used. */
  check(): Promise<void>;
}

/** What the settings say about clients. */
export interface ClientRules {
  /** Whoever is registered is approved at once, where the one who registers may give what is asked for. */
  readonly isApprovalAutomatic: boolean;
  /** Somebody tells the country of a caller; without, a list of countries would shut everybody out. */
  readonly areCountriesKnown: boolean;
}

/** What the operations are given to work with. */
export interface ServiceParts {
  readonly db: Kysely<Database>;
  readonly clock: Clock;
  /** Of the clock's monotonic time: when the program started. */
  readonly startedTick: number;
  readonly dataPlane: DataPlane;
  /** Sees what the gateway threads count. */
  readonly limiter: Pick<Limiter, 'prepare' | 'peek'>;
  /** Put before every new key. */
  readonly keyPrefix: string;
  /** The pepper under which keys are hashed. */
  readonly hmacSecret: string;
  /** 64 hexadecimal digits: what the keys for other purposes are derived from. */
  readonly encryptionKey: string;
  /** The one before it, while keys are still hashed under that. */
  readonly previousHmacSecret?: string | undefined;
  /** Whoever knows it may set up from elsewhere than this machine. */
  readonly setupToken: string;
  /** What becomes of scopes that nobody defined. */
  readonly undefinedScopes: UndefinedScopes;
  /** For keys that name no limits of their own. */
  readonly defaultLimits: RateLimit;
  readonly clients: ClientRules;
  readonly policies: readonly Policy[];
  /** The management API as a gateway: what a deploy must not shadow. */
  readonly management: GatewayConfig;
  /** How paths are compared. */
  readonly paths: PathRules;
  /** Whether services may stand on this machine and in private networks. */
  readonly privateTargets: 'allow' | 'refuse';
  readonly readiness: readonly ReadinessCheck[];
  readonly metrics: Metrics;
  readonly isDraining: () => boolean;
  /** The description of this API. */
  readonly openapi: Readonly<Record<string, unknown>>;
}

export interface Services extends Omit<ServiceParts, 'encryptionKey'> {
  /** Proves the audit log. */
  readonly auditKey: Uint8Array;
  /** Seals the answers that are kept for repeated calls. */
  readonly idempotencyKey: Uint8Array;
  /** Seals what services are shown of us. */
  readonly secretsKey: Uint8Array;
  /** Makes keys of nobody's, those that are asked for at once in one transaction. */
  readonly keysTogether: Together<KeyJob, MadeKey>;
  /** All that is on the air, of all tenants. */
  loadSnapshot(): Promise<SnapshotConfig>;
  /** Gives the gateway threads what is deployed; after the commit of whatever changed it. */
  publish(): Promise<void>;
  /** The key with this public id as the gateway threads would see it now, whosever it is; undefined when there is none. */
  findCredential(publicId: string): Promise<Credential | undefined>;
  /** The keys with these public ids, of those that the transaction sees. */
  findCredentials(trx: Kysely<Database>, publicIds: readonly string[]): Promise<ReadonlyMap<string, Credential>>;
  /** Keeps the hash of a key that has proved itself under the previous pepper. */
  saveRehash(trx: Kysely<Database>, rehash: Rehash): Promise<void>;
}

export function createServices({ encryptionKey, ...parts }: ServiceParts): Services {
  const { db, management, paths, dataPlane, defaultLimits } = parts;
  const load = (): Promise<SnapshotConfig> => loadSnapshot(db, management, paths);
  return {
    ...parts,
    keysTogether: createKeysTogether(db),
    auditKey: deriveKey(encryptionKey, 'audit chain'),
    idempotencyKey: deriveKey(encryptionKey, 'idempotency'),
    secretsKey: deriveKey(encryptionKey, 'upstream secrets'),
    loadSnapshot: load,
    publish: async () => dataPlane.publish(await load()),
    findCredential: (publicId) => loadCredential(db, publicId, defaultLimits),
    findCredentials: (trx, publicIds) => loadCredentials(trx, publicIds, defaultLimits),
    saveRehash,
  };
}
