// What one connection, and all together, may ask of the edge; settings, each of them (config.ts).

import type { ConnectionLimits } from './connection-counts.ts';
import type { HeadLimits } from '../wire/head-scanner.ts';

export interface EdgeLimits extends HeadLimits, ConnectionLimits {
  readonly bodyBytes: number;
  /** From a request's first octet to the end of its head. */
  readonly headTimeoutMs: number;
  /** Between two requests. */
  readonly idleTimeoutMs: number;
  /** Bytes a second below which a body, or the reading of an answer, is given up. */
  readonly minBytesPerSecond: number;
  readonly requestsPerConnection: number;
}
