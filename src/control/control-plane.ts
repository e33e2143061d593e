// The control plane, put together: operations over a database, behind a private socket.

import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { Database, RateLimit } from '../db/schema.ts';
import type { Policy } from '../gateway/policy.ts';
import type { GatewayConfig, PathRules } from '../gateway/snapshot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Limiter } from '../limits/limiter.ts';
import { CircuitEvents } from './gateways/circuit-events.ts';
import { Circuits } from './gateways/circuits.ts';
import type { UndefinedScopes } from './defined-scopes.ts';
import { toOpenApi } from './openapi.ts';
import type { Operation } from './operation.ts';
import { OPERATIONS } from './operations.ts';
import { managementGateway } from './publish/management.ts';
import { QuotaNotices } from './rate-limits/quota-notices.ts';
import { createControlServer } from './server.ts';
import {
  createServices,
  type ClientRules,
  type DataPlane,
  type Metrics,
  type ReadinessCheck,
  type Services,
} from './services.ts';

export interface ControlPlaneOptions {
  readonly db: Kysely<Database>;
  readonly log: Logger;
  readonly clock: Clock;
  /** Where the control plane will listen, and the gateway find it. */
  readonly socketPath: string;
  readonly validationsPerMinute: number;
  /** What the gateway proves itself with. */
  readonly controlToken: string;
  readonly setupToken: string;
  readonly keyPrefix: string;
  readonly hmacSecret: string;
  readonly encryptionKey: string;
  readonly undefinedScopes: UndefinedScopes;
  readonly previousHmacSecret?: string | undefined;
  readonly defaultLimits: RateLimit;
  readonly clients: ClientRules;
  readonly dataPlane: DataPlane;
  readonly limiter: Pick<Limiter, 'prepare' | 'peek'>;
  readonly policies: readonly Policy[];
  readonly paths: PathRules;
  readonly privateTargets: 'allow' | 'refuse';
  readonly readiness: readonly ReadinessCheck[];
  readonly metrics: Metrics;
  readonly isDraining: () => boolean;
}

export interface ControlPlane {
  readonly operations: readonly Operation[];
  /** The management API as the data plane's first gateway. */
  readonly management: GatewayConfig;
  /** For whatever else works like an operation, such as the quick start. */
  readonly services: Services;
  /** What the gateway threads tell of breakers goes here. */
  readonly circuits: Circuits;
  /** What the gateway threads tell of quotas goes here. */
  readonly quotas: QuotaNotices;
  listen(): Promise<void>;
  /** Resolves when the calls in flight have been answered, and what was heard of breakers is written. */
  close(): Promise<void>;
}

export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  const { log, socketPath, controlToken, validationsPerMinute, ...rest } = options;
  const management = managementGateway({ operations: OPERATIONS, socketPath, validationsPerMinute });
  const services = createServices({
    ...rest,
    management,
    startedTick: options.clock.monotonicMs(),
    openapi: toOpenApi(OPERATIONS),
  });
  const events = new CircuitEvents({
    ...rest,
    onError: (cause) => log.error({ reason: String(cause) }, 'the change of a circuit breaker could not be announced'),
  });
  const quotas = new QuotaNotices({
    ...rest,
    onError: (cause) => log.error({ reason: String(cause) }, 'that a quota is used could not be announced yet'),
  });
  const server = createControlServer({ operations: OPERATIONS, services, controlToken, log });
  return {
    operations: OPERATIONS,
    management,
    services,
    circuits: new Circuits((change) => events.announce(change)),
    quotas,
    listen: () => server.listen(socketPath),
    close: async () => {
      await server.close();
      await Promise.all([events.flush(), quotas.close()]);
    },
  };
}
