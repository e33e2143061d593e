// A route, compiled: everything a request needs, resolved when the snapshot was loaded.

import type { SecureContext } from 'node:tls';
import type { CompiledPolicy } from './policy.ts';
import type { Rewriting } from './upstream/rewriting.ts';
import type { Service } from './upstream/service.ts';
import type { Timeouts } from './upstream/timeouts.ts';
import type { Traffic } from './upstream/traffic.ts';

export interface Plan {
  /** Undefined for routes that belong to no published gateway (the management API). */
  readonly gatewayId: string | undefined;
  readonly endpointId: string | undefined;
  /** Where its requests are counted (request-counts.ts). */
  readonly countsRow: number;
  /** What is published here: `GET /shop/orders/{id}`. */
  readonly route: string;
  readonly tenantId: string;
  readonly service: string;
  /** Its targets, and all that this thread knows of them. */
  readonly upstream: Service;
  /** How many characters of the path the upstream does not get to see; 0 for none. */
  readonly stripCharacters: number;
  /** What its service makes of requests and answers; undefined where it leaves them as they are. */
  readonly rewriting: Rewriting | undefined;
  readonly timeouts: Timeouts;
  /** Where its requests go beside that; undefined where nothing was said, and where it has been decided. */
  readonly traffic: Traffic | undefined;
  /** In the order in which they run. */
  readonly policies: readonly CompiledPolicy[];
  /** Those of them that are told of the end. */
  readonly enders: readonly CompiledPolicy[];
  /** How many of them, from the first, are the gateway's guards: they also meet what its endpoints do not take. */
  readonly guards: number;
  /** Sent to the control plane only: proves that a request came through the gateway. */
  readonly controlToken: string | undefined;
}

/** How a target is spoken to over TLS, where that is not as with everybody. */
export interface TargetTls {
  /** Connections of another identity are not for this target. */
  readonly identity: string;
  readonly context: SecureContext;
  /** In place of the host that the URL names. */
  readonly serverName: string | undefined;
}

export interface Target {
  /** As configured, for the record. */
  readonly url: string;
  /** `http://host:port` or `https://…`; `http://control` with a socket path. */
  readonly origin: string;
  /** What the upstream reads in its Host field. */
  readonly authority: string;
  /** Put before the request's path; empty or beginning with a slash, never ending with one. */
  readonly basePath: string;
  readonly socketPath: string | undefined;
  /** Where connections go; undefined where the origin tells, its name looked up for each. */
  readonly place: Place | undefined;
  readonly tls: TargetTls | undefined;
}

/** One of those that a name leads to. */
export interface Place {
  readonly address: string;
  /** Undefined: that of the origin. */
  readonly port: number | undefined;
  /** Beside those of the same priority; above 0. */
  readonly weight: number;
  /** The lowest is called first. */
  readonly priority: number;
}
