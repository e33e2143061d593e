// What all connections of one thread share.

import type { Clock } from '../../lib/clock.ts';
import type { Runner } from '../run.ts';
import type { EdgeLimits } from './limits.ts';
import type { Sweep } from '../../lib/sweep.ts';
import type { Http1Connection } from './http1-connection.ts';

export interface EdgeShared {
  readonly clock: Clock;
  readonly runner: Runner;
  readonly limits: EdgeLimits;
  readonly sweep: Sweep;
  /** No new requests: connections are closed after the answers under way. */
  draining: boolean;
  /** The time as headers tell it (IMF-fixdate), formatted once a second. */
  httpDate(): string;
  /** The connection has closed. */
  forget(connection: Http1Connection, address: string): void;
}
