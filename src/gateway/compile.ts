// Configuration → immutable Plans. Runs once for every snapshot; nothing of this is left for the request path.

import type { Plan } from './plan.ts';
import type { CompiledPolicy, Policy, PolicyDeps } from './policy.ts';
import { toVersionRule } from './route-version.ts';
import { createRouter, isMethod, type Route, type Router } from './router.ts';
import type { EndpointConfig, GatewayConfig, PolicyUse, ServiceConfig, SnapshotConfig } from './snapshot.ts';
import { STAGES } from './stages.ts';
import { compileRewriting, type Rewriting } from './upstream/rewriting.ts';
import type { SecretOwner } from '../lib/sealed-text.ts';
import { openTls } from './upstream/service-secrets.ts';
import type { Service } from './upstream/service.ts';
import type { Services } from './upstream/services.ts';
import type { RequestCounts } from './request-counts.ts';
import type { Timeouts } from './upstream/timeouts.ts';
import { compileTraffic, type Traffic } from './upstream/traffic.ts';

export interface Snapshot {
  readonly version: number;
  readonly router: Router<Plan>;
}

/** Of which nothing is left to be compiled. */
export interface CompiledSnapshot extends Snapshot {
  readonly plans: readonly Plan[];
}

export interface CompileDeps extends PolicyDeps {
  readonly policies: readonly Policy[];
  readonly services: Services;
  readonly requestCounts: RequestCounts;
  /** Opens what snapshots carry sealed. */
  readonly secretsKey: Uint8Array;
  /** Sent along with requests to the control plane, and to nobody else. */
  readonly controlToken: string;
}

/** Compiles a checked configuration; a fault that the check should have found throws. */
export function compileSnapshot(config: SnapshotConfig, deps: CompileDeps): CompiledSnapshot {
  const routes = config.gateways.flatMap((gateway) => compileGateway(gateway, deps));
  const plans = new Set(routes.map((route) => route.value));
  return { version: config.version, router: createRouter(routes, config.paths), plans: [...plans] };
}

interface CompiledService {
  readonly config: ServiceConfig;
  readonly upstream: Service;
  readonly rewriting: Rewriting | undefined;
}

/** A gateway while its endpoints are compiled: what they share is made once. */
interface Making {
  readonly gateway: GatewayConfig;
  readonly services: ReadonlyMap<string, CompiledService>;
  readonly countsRow: number;
  readonly policies: readonly StagedPolicy[];
  readonly deps: CompileDeps;
}

export function compileGateway(gateway: GatewayConfig, deps: CompileDeps): Route<Plan>[] {
  const making: Making = {
    gateway,
    services: new Map(gateway.services.map((config) => [config.name, compileService(config, gateway, deps)])),
    countsRow: deps.requestCounts.rowOf(gateway.id),
    policies: compilePolicies(gateway.policies ?? [], deps),
    deps,
  };
  return gateway.endpoints.flatMap((endpoint) => {
    const { method } = endpoint;
    if (!isMethod(method)) throw unchecked();
    const value = compilePlan(endpoint, making);
    const path = gateway.routePrefix + endpoint.path;
    const { hosts = [undefined] } = gateway;
    const version = toVersionRule(gateway.version);
    const isReserved = gateway.id === null;
    return hosts.map((host) => ({ method, path, host, version, isReserved, value }));
  });
}

function compileService(config: ServiceConfig, gateway: GatewayConfig, deps: CompileDeps): CompiledService {
  const owner: SecretOwner = { key: deps.secretsKey, tenantId: gateway.tenantId, gatewayId: gateway.id ?? '' };
  const tls = config.tls && openTls(config.tls, owner);
  const upstream = deps.services.of(gateway, config, tls);
  const hasLostTls = config.tls !== undefined && tls === undefined;
  return { config, upstream, rewriting: compileRewriting(config, owner, hasLostTls) };
}

function compilePlan(endpoint: EndpointConfig, { gateway, services, countsRow, policies: shared, deps }: Making): Plan {
  const own = compilePolicies(endpoint.policies, deps);
  const policies = [...shared, ...own].toSorted((a, b) => a.stage - b.stage).map(({ compiled }) => compiled);
  const enders = policies.filter((policy) => 'onEnd' in policy);
  const guards = shared.filter(({ stage }) => stage === GUARD).length;
  const planOf = (name: string, timeoutMs: number, traffic?: Traffic): Plan => {
    const service = services.get(name);
    if (service === undefined) throw unchecked();
    return {
      gatewayId: gateway.id ?? undefined,
      endpointId: endpoint.id ?? undefined,
      countsRow,
      route: `${endpoint.method} ${gateway.routePrefix}${endpoint.path}`,
      tenantId: gateway.tenantId,
      service: name,
      upstream: service.upstream,
      stripCharacters: service.config.stripPrefix ? gateway.routePrefix.length : 0,
      rewriting: service.rewriting,
      timeouts: toTimeouts(timeoutMs, service.config),
      traffic,
      policies,
      enders,
      guards,
      controlToken: gateway.id === null ? deps.controlToken : undefined,
    };
  };
  const traffic = endpoint.traffic && compileTraffic(endpoint.traffic, gateway.id ?? '', planOf);
  return planOf(endpoint.service, endpoint.timeoutMs, traffic);
}

const CONNECT_MS = 5000;
const HANDSHAKE_MS = 5000;

function toTimeouts(timeoutMs: number, { timeouts }: ServiceConfig): Timeouts {
  return {
    connectMs: timeouts?.connectMs ?? CONNECT_MS,
    handshakeMs: timeouts?.handshakeMs ?? HANDSHAKE_MS,
    firstByteMs: timeoutMs,
    betweenBytesMs: timeouts?.betweenBytesMs ?? timeoutMs,
    totalMs: timeouts?.totalMs ?? Infinity,
  };
}

interface StagedPolicy {
  readonly stage: number;
  readonly compiled: CompiledPolicy;
}

const GUARD = STAGES.indexOf('guard');

function compilePolicies(uses: readonly PolicyUse[], deps: CompileDeps): StagedPolicy[] {
  return uses.map((use) => {
    const policy = deps.policies.find((candidate) => candidate.name === use.name);
    if (policy === undefined) throw unchecked();
    return { stage: STAGES.indexOf(policy.stage), compiled: policy.compile(use.config, deps) };
  });
}

function unchecked(): Error {
  return new Error('an unchecked snapshot was compiled');
}
