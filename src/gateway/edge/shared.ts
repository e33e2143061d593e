// What all connections of one thread share.

import type { Clock } from '../../lib/clock.ts';
import type { Runner } from '../run.ts';
import type { EdgeLimits } from './limits.ts';
import type { Sweep, Timed } from '../../lib/sweep.ts';

/** One caller's connection, whatever it speaks. */
export interface EdgeConnection extends Timed {
  /** At once, whatever is under way. */
  destroy(): void;
  /** No further requests: an idle connection closes now, a busy one when its answers are out. */
  drain(): void;
}

export interface EdgeShared {
  readonly clock: Clock;
  readonly runner: Runner;
  readonly limits: EdgeLimits;
  readonly sweep: Sweep;
  /** What `Via` says of us to callers: the version in which the upstream answered, and our name. */
  readonly viaLine: string;
  /** No new requests: connections are closed after the answers under way. */
  draining: boolean;
  /** The time as headers tell it (IMF-fixdate), formatted once a second. */
  httpDate(): string;
  /** The connection has closed. */
  forget(connection: EdgeConnection, address: string): void;
}
