// Configuration → immutable Plans. Runs once for every snapshot; nothing of this is left for the request path.

import type { Plan, Target } from './plan.ts';
import type { CompiledPolicy, Policy, PolicyDeps } from './policy.ts';
import { createRouter, isMethod, type Route, type Router } from './router.ts';
import type { EndpointConfig, GatewayConfig, ServiceConfig, SnapshotConfig } from './snapshot.ts';
import { STAGES } from './stages.ts';
import type { Timeouts } from './upstream/timeouts.ts';

export interface Snapshot {
  readonly version: number;
  readonly router: Router<Plan>;
  readonly plans: readonly Plan[];
}

export interface CompileDeps extends PolicyDeps {
  readonly policies: readonly Policy[];
  /** Sent along with requests to the control plane, and to nobody else. */
  readonly controlToken: string;
}

/** Compiles a checked configuration; a fault that the check should have found throws. */
export function compileSnapshot(config: SnapshotConfig, deps: CompileDeps): Snapshot {
  const routes = config.gateways.flatMap((gateway) => compileGateway(gateway, deps));
  return { version: config.version, router: createRouter(routes), plans: routes.map((route) => route.value) };
}

function compileGateway(gateway: GatewayConfig, deps: CompileDeps): Route<Plan>[] {
  const services = new Map(gateway.services.map((service) => [service.name, service]));
  return gateway.endpoints.map((endpoint) => {
    const service = services.get(endpoint.service);
    if (service === undefined || !isMethod(endpoint.method)) throw new Error('an unchecked snapshot was compiled');
    const value = compilePlan(gateway, endpoint, service, deps);
    return { method: endpoint.method, path: gateway.routePrefix + endpoint.path, value };
  });
}

function compilePlan(
  gateway: GatewayConfig,
  endpoint: EndpointConfig,
  service: ServiceConfig,
  deps: CompileDeps,
): Plan {
  return {
    gatewayId: gateway.id ?? undefined,
    endpointId: endpoint.id ?? undefined,
    route: `${endpoint.method} ${gateway.routePrefix}${endpoint.path}`,
    tenantId: gateway.tenantId,
    service: service.name,
    targets: service.targets.map((target) => toTarget(target.url)),
    turn: 0,
    stripCharacters: service.stripPrefix ? gateway.routePrefix.length : 0,
    timeouts: toTimeouts(endpoint, service),
    policies: compilePolicies(endpoint, deps),
    controlToken: gateway.id === null ? deps.controlToken : undefined,
  };
}

const CONNECT_MS = 5000;
const HANDSHAKE_MS = 5000;

function toTimeouts({ timeoutMs }: EndpointConfig, { timeouts }: ServiceConfig): Timeouts {
  return {
    connectMs: timeouts?.connectMs ?? CONNECT_MS,
    handshakeMs: timeouts?.handshakeMs ?? HANDSHAKE_MS,
    firstByteMs: timeoutMs,
    betweenBytesMs: timeouts?.betweenBytesMs ?? timeoutMs,
    totalMs: timeouts?.totalMs ?? Infinity,
  };
}

function compilePolicies(endpoint: EndpointConfig, deps: CompileDeps): CompiledPolicy[] {
  return endpoint.policies
    .map((use) => {
      const policy = deps.policies.find((candidate) => candidate.name === use.name);
      if (policy === undefined) throw new Error('an unchecked snapshot was compiled');
      return { stage: STAGES.indexOf(policy.stage), compiled: policy.compile(use.config, deps) };
    })
    .toSorted((a, b) => a.stage - b.stage)
    .map(({ compiled }) => compiled);
}

function toTarget(url: string): Target {
  if (url.startsWith('unix:')) {
    return {
      url: 'control',
      origin: 'http://control',
      authority: 'control',
      basePath: '',
      socketPath: url.slice('unix:'.length),
    };
  }
  const { host, origin, pathname } = new URL(url);
  return { url, origin, authority: host, basePath: pathname.replace(/\/+$/, ''), socketPath: undefined };
}
