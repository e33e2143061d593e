// What the data plane asks of others. Nothing else passes between the two wings.

import type { ClientStanding } from '../lib/client-status.ts';
import type { KeyState } from '../lib/key-state.ts';
import type { Limit } from '../lib/limit.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Exchange } from './exchange.ts';

/** Who is calling: the only product of authentication, and all that later stages know of the caller. */
export interface Principal {
  readonly kind: 'key' | 'operator';
  readonly tenantId: string;
  readonly keyId: string;
  /** The operator that the key belongs to, for kind `operator`. */
  readonly operatorId: string | undefined;
  readonly name: string;
  /** In normal spelling (`resource:action`). */
  readonly scopes: readonly string[];
  readonly limits: readonly CallerLimit[];
  /** The client whose key it is; absent for keys of nobody's. */
  readonly clientId?: string;
  /** From where and to what the client may call; absent when nothing was said. */
  readonly restrictions?: ClientRestrictions;
}

/** Every list that is there must hold what the request is; a list that is absent restricts nothing. */
export interface ClientRestrictions {
  /** Addresses and ranges. */
  readonly addresses?: readonly string[];
  /** ISO 3166-1 alpha-2. */
  readonly countries?: readonly string[];
  /** Ids and patterns (lib/endpoint-pattern.ts). */
  readonly endpoints?: readonly string[];
}

/** A limit of a caller: of its key, unless it says that it is of all keys of the client, or of the whole tenant. */
export type CallerLimit = Limit & { readonly of?: 'key' | 'client' | 'tenant' };

/** What is known of a key: enough to prove it, nothing to rebuild it. */
export interface Credential {
  /** What it is found by: the public id in its text, or what its digest gives (lib/foreign-key-text.ts). */
  readonly publicId: string;
  /** HMAC-SHA-384 of what proves the key, 48 bytes. */
  readonly hash: Uint8Array;
  /** The id of the pepper in the hash. */
  readonly pepper: string;
  readonly status: KeyState;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number | undefined;
  /** Whose suspension stops the key as long as it lasts; absent when nobody is suspended. */
  readonly suspended?: 'operator' | 'tenant';
  /** Addresses and ranges from which alone it works; undefined: from anywhere. */
  readonly allowedIps: readonly string[] | undefined;
  readonly principal: Principal;
  /** Of the client whose key it is; absent for keys of nobody's. */
  readonly client?: ClientStanding;
}

export interface CredentialLookup {
  /**
   * The credential with this public id when it is known here and now; undefined says nothing. The digest of the whole text is for those
   * who do not know keys by their ids.
   */
  recall(publicId: string, digest: string): Credential | undefined;
  /**
   * The credential with this public id, or undefined when there is none. Answers at once when it is known, else with a promise, which
   * is rejected when the answer cannot be had: the caller must then fail closed.
   */
  find(publicId: string, presented: PresentedText): Credential | undefined | Promise<Credential | undefined>;
}

/** What a caller brought as a key. */
export interface PresentedText {
  /** For whoever must ask elsewhere with it; never kept, never logged. */
  readonly text: string;
  /** SHA-256, in hexadecimal digits. */
  readonly digest: string;
}

/** A key has proved itself under a pepper that is going out: its hash under the current one. */
export interface Rehash {
  readonly publicId: string;
  /** The hash that it takes the place of. */
  readonly was: Uint8Array;
  readonly hash: Uint8Array;
  /** The id of the current pepper. */
  readonly pepper: string;
}

/** The one line that an exchange leaves behind. Secrets are masked before it is made. */
export interface ExchangeRecord {
  readonly requestId: string;
  /** The `X-Request-Id` that a trusted proxy gave the request, and that callers and upstreams saw in place of ours. */
  readonly correlationId?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** With its question mark, secrets masked; empty when there is none. */
  readonly query: string;
  /** The status sent; 499 when the client left before. */
  readonly status: number;
  /** The problem's code when Tollgate itself answered with an error; `upstream_broken_off` when an answer ended before its end. */
  readonly errorCode: string | undefined;
  readonly rateLimited: boolean;
  readonly authFailed: boolean;
  readonly tenantId: string | undefined;
  readonly gatewayId: string | undefined;
  readonly endpointId: string | undefined;
  readonly keyId: string | undefined;
  readonly clientIp: string;
  readonly userAgent: string | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly service: string | undefined;
  readonly target: string | undefined;
  /** Time to the first byte of the upstream's answer; undefined when none came. */
  readonly upstreamMs: number | undefined;
  /** Flat (name, value, …) and masked; only for exchanges that were refused or failed (status 400 and above). */
  readonly requestHeaders: readonly string[] | undefined;
}

/** A certificate with its key, parsed and found to fit together by whoever read it. */
export interface TlsCertificate {
  /** Of its files, without the ending. */
  readonly name: string;
  /** DNS names of the certificate in lower case, `*.example.com` among them. */
  readonly hosts: readonly string[];
  /** PEM: the certificate, then those that lead to its root. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** A key as the caller sent it, with what is made of it once. */
export interface Presented {
  readonly text: string;
  /** The public id of one that has the form of ours. */
  readonly ownId: string | undefined;
  /** It may have been made elsewhere: then its digest stands for it. */
  readonly isForeign: boolean;
  /** SHA-256, in hexadecimal digits; empty where it can be no key. */
  readonly digest: string;
  /** What it has last proved. */
  proved: Credential | undefined;
}

export interface UsageSink {
  /** Notes an exchange that is over; never throws, never waits. */
  record(exchange: Exchange, durationMs: number): void;
}

/** What the policies may use. */
export interface Ports {
  readonly credentials: CredentialLookup;
  /** Never throws, never waits; what is lost is made again at a later use. */
  readonly rehash: (rehash: Rehash) => void;
  readonly limiter: Limiter;
  readonly usage: UsageSink;
  /** Never throws, never waits; may be told of the same again. */
  readonly onQuota: (news: QuotaNews) => void;
}

/** How far a month of a caller is used. */
export interface QuotaNews {
  readonly tenantId: string;
  /** `client:cli_…`, `key:key_…`, `tenant:ten_…`. */
  readonly subject: string;
  readonly quota: number;
  readonly used: number;
  /** The end of the month, in milliseconds since the epoch. */
  readonly resetsAtMs: number;
  /** Four fifths are used; or all, or a request was refused for it. */
  readonly level: 'warning' | 'exceeded';
}

/** How the targets of a service are, as one gateway thread sees it. */
export interface ServiceHealth {
  readonly service: string;
  readonly targets: readonly TargetHealth[];
}

export interface TargetHealth {
  readonly url: string;
  /** One of those that its name leads to; absent where the name is looked up for each connection, or is none. */
  readonly address?: string;
  /** As DNS says; undefined where the URL does. */
  readonly port?: number | undefined;
  readonly weight: number;
  /** Why it is held for unfit: no connection can be made, its checks fail, or it failed too often. */
  readonly ill: 'unreachable' | 'check' | 'errors' | undefined;
  /** Undefined: it has no breaker. */
  readonly circuit: CircuitState | undefined;
  /** Calls under way. */
  readonly inFlight: number;
}

/** The services of one gateway. */
export interface GatewayServices {
  readonly gatewayId: string;
  readonly services: readonly ServiceHealth[];
}

export type CircuitState = 'closed' | 'open' | 'half_open';

/** The breaker of a target has changed its state. */
export interface CircuitNews {
  readonly tenantId: string;
  readonly gatewayId: string;
  readonly service: string;
  readonly target: string;
  /** `gone`: the service has this target no more. */
  readonly state: CircuitState | 'gone';
}
