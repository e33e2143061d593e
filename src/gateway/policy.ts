// The policy contract: a named step in one stage, configured when a snapshot is loaded, run for every request of a plan.

import type { TSchema, Static } from 'typebox';
import type { Clock } from '../lib/clock.ts';
import type { Limit } from '../lib/limit.ts';
import type { Fault } from '../lib/problem.ts';
import type { OnFailure } from '../limits/limiter.ts';
import type { CountrySource } from './country.ts';
import type { Exchange, Reply } from './exchange.ts';
import type { Ports } from './ports.ts';
import type { Stage } from './stages.ts';

export interface PolicyDeps extends Ports {
  readonly clock: Clock;
  /** How many gateway threads the process has. */
  readonly threads: number;
  /** Where callers are. */
  readonly countries: CountrySource;
  /** The pepper under which keys are hashed. */
  readonly hmacSecret: string;
  /** The one before it, while keys are still hashed under that. */
  readonly previousHmacSecret?: string | undefined;
  readonly limits: LimitSettings;
}

/** What the node's settings say of limits. */
export interface LimitSettings {
  /** Of callers without credentials, for each address; none when empty. */
  readonly address: readonly Limit[];
  /** Of an IPv6 address, how many bits tell one caller from another. */
  readonly ipv6Bits: number;
  /** For policies that do not say. */
  readonly onFailure: OnFailure;
  readonly refundsFailures: boolean;
}

/** What is left of a policy once its configuration is known. */
export interface CompiledPolicy {
  /** Returns a Reply to stop the request here, or undefined to go on. Refusals are returned; a throw is a defect. */
  onRequest?(exchange: Exchange): Reply | undefined | Promise<Reply | undefined>;
  /** Runs on the way back, in reverse order, for policies that were entered; local replies included. */
  onResponse?(exchange: Exchange, reply: Reply): void;
  /** Runs once when all is over, whatever the end was, also for policies that were not entered. */
  onEnd?(exchange: Exchange): void;
}

export interface Policy<Schema extends TSchema = TSchema> {
  readonly name: string;
  readonly stage: Stage;
  /** JSON Schema of the configuration; unknown fields are refused. */
  readonly config: Schema;
  /** What no schema can tell of a configuration that its schema found sound; paths below it. */
  findFaults?(config: Static<Schema>): Fault[];
  compile(config: Static<Schema>, deps: PolicyDeps): CompiledPolicy;
}
