// What the keeper of the gateway threads is given, and what it does for the rest of the program.

import type { GatewayBoot, ThreadState } from './messages.ts';
import type {
  CircuitNews,
  Credential,
  ExchangeRecord,
  QuotaNews,
  Rehash,
  ServiceHealth,
  TlsCertificate,
} from './ports.ts';
import type { Policy } from './policy.ts';
import type { RecordCounts } from './record-writing.ts';
import type { SnapshotConfig } from './snapshot.ts';
import type { GatewayCounts } from './request-count-cells.ts';

interface SupervisorLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SupervisorOptions {
  readonly boot: Omit<GatewayBoot, 'snapshot'> & { readonly snapshot: SnapshotConfig };
  readonly log: SupervisorLog;
  /** What snapshots are checked by: those that the threads have. */
  readonly policies: readonly Policy[];
  /**
   * Whoever answers tells of its own failures; a caller gets 503. The text is given where keys are found by it (`boot.findsByText`), and its
   * digest is the id then. `declined`: nobody was asked, which says nothing of whoever could be.
   */
  readonly findCredential: (publicId: string, text: string | undefined) => Promise<Credential | undefined | 'declined'>;
  readonly saveRehash: (rehash: Rehash) => Promise<void>;
  readonly writeRecords: (records: readonly ExchangeRecord[]) => Promise<void>;
  /** Hears of breakers: `drop` when a thread is gone with all it knew. */
  readonly circuits: { take(thread: number, news: CircuitNews): void; drop(thread: number): void };
  /** Hears how far quotas are used; absent where nobody is to be told. */
  readonly takeQuota?: (news: QuotaNews) => void;
}

export interface Supervisor {
  /** Resolves when every thread serves the snapshot; one that is refused changes nothing, and this rejects. */
  publish(snapshot: SnapshotConfig): Promise<void>;
  /** Resolves when no thread knows these credentials any more. */
  forget(publicIds: readonly string[] | 'all'): Promise<void>;
  /** Resolves when every thread shows these to new connections. */
  setCertificates(certificates: readonly TlsCertificate[]): Promise<void>;
  /** Resolves when every thread looks countries up in this database. */
  setCountries(database: SharedArrayBuffer): Promise<void>;
  /** How the targets of a gateway are, as each thread that answers sees it. */
  health(gatewayId: string): Promise<(readonly ServiceHealth[])[]>;
  /** What there is to see from outside; a thread that does not answer for two seconds is left to what is known without it. */
  observe(): Promise<Observation>;
  /** Resolves when every exchange that ended before now is in the store. */
  flushRecords(): Promise<void>;
  /** Stops listening, lets requests finish for at most `timeoutMs`, saves the records, ends the threads. */
  drain(timeoutMs: number): Promise<void>;
}

export interface Observation {
  readonly threads: readonly ThreadObservation[];
  readonly requestCounts: readonly GatewayCounts[];
  /** From callers, open now. */
  readonly connections: number;
  readonly records: RecordCounts;
  readonly lookups: LookupCounts;
}

export interface ThreadObservation {
  readonly number: number;
  /** How often it died and was started anew. */
  readonly restarts: number;
  /** How long it has worked since it was started, in place of waiting for something to do. */
  readonly busyMs: number;
  /** How long it took to answer; of one that does not, how long it was waited for. */
  readonly delayMs: number;
  /** Undefined: it does not answer, or is being started. */
  readonly state: ThreadState | undefined;
}

/** Keys that threads did not remember, since the start, by what was found. */
export interface LookupCounts {
  readonly known: number;
  readonly unknown: number;
  /** The store could not be asked. */
  readonly unavailable: number;
}
