// What a gateway thread and the main thread say to each other. Structured-cloned: plain data only.

import type { SharedCounters } from '../limits/shared-counters.ts';
import type { CountryOptions } from './country.ts';
import type { EdgeLimits } from './edge/limits.ts';
import type { CacheLimits } from './credential-cache.ts';
import type { LimitSettings } from './policy.ts';
import type {
  CircuitNews,
  Credential,
  GatewayServices,
  QuotaNews,
  Rehash,
  ServiceHealth,
  TlsCertificate,
} from './ports.ts';
import type { PrivateTargets } from './upstream/guarded-lookup.ts';
import type { PackedSnapshot } from './packed-snapshot.ts';

/** What a thread is born with. */
export interface ThreadBoot extends GatewayBoot {
  /** Which of the threads it is, from 1 on; its seat at the counters, too. */
  readonly thread: number;
  /** How many connections all threads have (edge/connection-counts.ts). */
  readonly connectionCounts: SharedArrayBuffer;
  /** What all threads count (request-counts.ts). */
  readonly requestCounts: SharedArrayBuffer;
}

/** The same for every thread. */
export interface GatewayBoot {
  readonly host: string;
  readonly port: number;
  /** How many there are. */
  readonly threads: number;
  readonly hmacSecret: string;
  readonly previousHmacSecret: string | undefined;
  /** Our name in `Via`. */
  readonly pseudonym: string;
  readonly keyCache: CacheLimits;
  /** Whether keys are known elsewhere, by their whole texts: then look-ups carry these. */
  readonly findsByText?: boolean;
  /** Whether services may stand on this machine and in private networks. */
  readonly privateTargets: PrivateTargets;
  /** Opens what snapshots carry sealed. */
  readonly secretsKey: Uint8Array;
  readonly controlToken: string;
  /** Addresses and ranges of the proxies whose word is taken for who is behind them. */
  readonly trustedProxies: readonly string[];
  /** What tells the country of a caller. */
  readonly countries: CountryOptions;
  readonly limits: EdgeLimits;
  /** The counters that all threads of the process share; with Redis, for when it is away. */
  readonly counters: SharedCounters;
  readonly redisUrl: string | undefined;
  readonly redisTimeoutMs: number;
  readonly limitSettings: LimitSettings;
  /** Undefined: no TLS. */
  readonly tls: { readonly port: number; readonly certificates: readonly TlsCertificate[] } | undefined;
  readonly snapshot: PackedSnapshot;
}

export type ToThread =
  | { readonly type: 'publish'; readonly id: number; readonly snapshot: PackedSnapshot }
  | { readonly type: 'credential'; readonly publicId: string; readonly id: number; readonly answer: CredentialAnswer }
  /** Forget these credentials, or all of them. */
  | { readonly type: 'forget'; readonly id: number; readonly publicIds: readonly string[] | 'all' }
  | { readonly type: 'certificates'; readonly id: number; readonly certificates: readonly TlsCertificate[] }
  | { readonly type: 'countries'; readonly id: number; readonly database: SharedArrayBuffer }
  | { readonly type: 'flush'; readonly id: number }
  | { readonly type: 'health'; readonly id: number; readonly gatewayId: string }
  | { readonly type: 'observe'; readonly id: number }
  /** A batch of records was taken care of; its memory comes back, to be used again. */
  | { readonly type: 'recorded'; readonly memory: ArrayBuffer }
  | { readonly type: 'drain'; readonly id: number; readonly timeoutMs: number };

export type CredentialAnswer =
  | { readonly state: 'known'; readonly credential: Credential }
  | { readonly state: 'unknown' }
  | { readonly state: 'unavailable' }
  /** Nobody was asked; it says nothing of whoever could be. */
  | { readonly state: 'declined' };

/** What only the thread itself can tell of itself. */
export interface ThreadState {
  readonly heapUsedBytes: number;
  readonly gateways: readonly GatewayServices[];
}

/** The message with this id was obeyed. */
export interface Obeyed {
  readonly type: 'done';
  readonly id: number;
  /** When a snapshot was refused. */
  readonly faults: readonly string[];
  /** When it was asked for. */
  readonly health?: readonly ServiceHealth[];
  readonly state?: ThreadState;
}

export type FromThread =
  | { readonly type: 'listening' }
  | { readonly type: 'unable'; readonly code: string; readonly port: number | undefined; readonly message: string }
  | Obeyed
  | { readonly type: 'circuit'; readonly news: CircuitNews }
  | { readonly type: 'quota'; readonly news: QuotaNews }
  /** The text only where keys are found by it. */
  | { readonly type: 'find'; readonly publicId: string; readonly id: number; readonly text: string | undefined }
  | { readonly type: 'rehash'; readonly rehash: Rehash }
  /** As the buffer of records leaves them; handed over with their memory. */
  | { readonly type: 'records'; readonly records: Uint8Array<ArrayBuffer>; readonly dropped: number }
  | {
      readonly type: 'log';
      readonly level: 'warn' | 'error';
      readonly fields: Readonly<Record<string, unknown>>;
      readonly message: string;
    };
