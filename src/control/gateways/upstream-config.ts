// What a gateway says of the services behind it, as the data plane reads it: what a service does not say holds as the gateway says. Pure.

import type { CircuitBreaker, HealthCheck } from '../../db/resilience-schema.ts';
import type { UpstreamService } from '../../db/publishing-schema.ts';
import type { ServiceConfig } from '../../gateway/snapshot.ts';
import type { Fault } from '../../lib/problem.ts';
import type { GatewayFields } from './gateway-columns.ts';
import { toSecrets } from './service-secrets.ts';
import { toRewriting } from './rewriting-config.ts';

/** What holds for the services that do not say otherwise. */
type GatewayTerms = Pick<GatewayFields, 'loadBalancingStrategy' | 'circuitBreaker' | 'healthCheckUrl'>;

type ResilienceConfig = Omit<ServiceConfig, 'name' | 'targets' | 'stripPrefix'>;

/** `service` is undefined for the upstreamUrl of an endpoint. */
export function toResilience(gateway: GatewayTerms, service: Partial<UpstreamService> = {}): ResilienceConfig {
  const strategy = service.loadBalancingStrategy ?? gateway.loadBalancingStrategy;
  const breaker = service.circuitBreaker ?? gateway.circuitBreaker;
  const { timeouts } = service;
  const healthCheck = toCheckTerms(gateway, service);
  const { attempts = 1, statuses = [502, 503, 504] } = service.retry ?? {};
  return {
    ...(strategy !== 'round_robin' && { loadBalancingStrategy: strategy }),
    ...(breaker !== undefined && { circuitBreaker: toCircuitBreaker(breaker) }),
    ...(healthCheck !== undefined && { healthCheck: toHealthCheck(healthCheck) }),
    ...(attempts > 0 && { retry: { attempts, statuses } }),
    ...(timeouts !== undefined && { timeouts }),
    ...toRewriting(service),
    ...toSecrets(service),
  };
}

function toCheckTerms({ healthCheckUrl }: GatewayTerms, { healthCheck }: Partial<UpstreamService>) {
  if (healthCheckUrl === undefined || healthCheck?.path !== undefined) return healthCheck;
  return { ...healthCheck, path: healthCheckUrl.startsWith('/') ? healthCheckUrl : new URL(healthCheckUrl).pathname };
}

/** What is wrong with the gateway's own, which is asked of every target: a URL has to be at one of them. */
export function healthCheckFaults({ healthCheckUrl = '/' }: GatewayTerms, services: readonly ServiceConfig[]): Fault[] {
  if (healthCheckUrl.startsWith('/')) return [];
  const { origin } = new URL(healthCheckUrl);
  const isTarget = services.some(({ targets }) => targets.some(({ url }) => URL.parse(url)?.origin === origin));
  const message = `is at ${origin}, which is none of the targets: name the path alone, and it is asked of each of them`;
  return isTarget ? [] : [{ path: 'healthCheckUrl', message }];
}

/** The time to the first byte; undefined where the gateway's holds. */
export function timeoutMsOf({ timeout, timeoutSeconds }: UpstreamService): number | undefined {
  return timeout ?? (timeoutSeconds === undefined ? undefined : timeoutSeconds * 1_000);
}

export function toTargets(targets: UpstreamService['targets']): ServiceConfig['targets'] {
  return targets.map(({ url, weight, maxConcurrentRequests }) => ({
    url,
    ...(weight !== undefined && { weight }),
    ...(maxConcurrentRequests !== undefined && { maxConcurrentRequests }),
  }));
}

function toCircuitBreaker(said: CircuitBreaker): NonNullable<ServiceConfig['circuitBreaker']> {
  const { failureRatePercent: percent, minimumRequests = 20, windowSeconds = 60 } = said;
  const { failureThreshold = percent === undefined ? 5 : undefined } = said;
  return {
    ...(failureThreshold !== undefined && { failureThreshold }),
    ...(percent !== undefined && {
      failureRate: { percent, minimumCalls: minimumRequests, windowMs: windowSeconds * 1_000 },
    }),
    resetMs: (said.resetTimeoutSeconds ?? 30) * 1_000,
    trials: said.halfOpenRequests ?? 1,
  };
}

function toHealthCheck(said: HealthCheck): NonNullable<ServiceConfig['healthCheck']> {
  const { path, errorThreshold, ejectSeconds = 30, panicThresholdPercent: panicPercent, slowStartSeconds } = said;
  return {
    ...(path !== undefined && { check: toCheck(path, said) }),
    ...(errorThreshold !== undefined && { errorThreshold, ejectMs: ejectSeconds * 1_000 }),
    ...(panicPercent !== undefined && { panicPercent }),
    ...(slowStartSeconds !== undefined && { slowStartMs: slowStartSeconds * 1_000 }),
  };
}

function toCheck(path: string, { intervalSeconds = 10, timeoutSeconds = 5, ...thresholds }: HealthCheck) {
  return {
    path,
    intervalMs: intervalSeconds * 1_000,
    timeoutMs: timeoutSeconds * 1_000,
    healthyThreshold: thresholds.healthyThreshold ?? 2,
    unhealthyThreshold: thresholds.unhealthyThreshold ?? 3,
  };
}
