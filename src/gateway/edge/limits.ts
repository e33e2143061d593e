// What one connection, and all together, may ask of the edge.

import type { HeadLimits } from '../wire/head-scanner.ts';

export interface EdgeLimits extends HeadLimits {
  readonly bodyBytes: number;
  /** From a request's first octet to the end of its head. */
  readonly headTimeoutMs: number;
  /** Between two requests. */
  readonly idleTimeoutMs: number;
  /** Bytes a second below which a body, or the reading of an answer, is given up. */
  readonly minBytesPerSecond: number;
  readonly requestsPerConnection: number;
  readonly connections: number;
  readonly connectionsPerAddress: number;
}

export const DEFAULT_LIMITS: EdgeLimits = {
  headBytes: 16_384,
  fields: 100,
  targetBytes: 8192,
  bodyBytes: 1_073_741_824,
  headTimeoutMs: 15_000,
  idleTimeoutMs: 75_000,
  minBytesPerSecond: 100,
  requestsPerConnection: 100_000,
  connections: 20_000,
  connectionsPerAddress: 20_000,
};
