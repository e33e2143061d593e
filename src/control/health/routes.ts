// Health for people, balancers and supervisors: no credential, no secrets.

import type { Static } from 'typebox';
import { withinTime } from '../../lib/within-time.ts';
import { publicOperation, type Operation } from '../operation.ts';
import type { ReadinessCheck, Services } from '../services.ts';
import { Health, Liveness, Readiness } from './schema.ts';

const CHECK_TIMEOUT_MS = 2_000;

const health = publicOperation({
  id: 'getHealth',
  method: 'GET',
  path: '/health',
  summary: 'Whether it runs',
  tag: 'Health',
  replies: { 200: Health },
  compact: { path: '/health', reply: Health, present: ({ data }) => data },
  async handle(_input, { services }) {
    return { status: 200, data: toHealth(services.isDraining()) };
  },
});

const live = publicOperation({
  id: 'getLiveness',
  method: 'GET',
  path: '/health/live',
  summary: 'Whether the process answers, and since when',
  tag: 'Health',
  replies: { 200: Liveness },
  compact: { path: '/health/live', reply: Liveness, present: ({ data }) => data },
  async handle(_input, { services }) {
    return { status: 200, data: toLiveness((services.clock.monotonicMs() - services.startedTick) / 1000) };
  },
});

const ready = publicOperation({
  id: 'getReadiness',
  method: 'GET',
  path: '/health/ready',
  summary: 'Whether it can serve, and what stands in the way',
  description: 'Asks each dependency, for two seconds at most. 503 when one is down, or when Tollgate is stopping.',
  tag: 'Health',
  replies: { 200: Readiness, 503: Readiness },
  compact: { path: '/health/ready', reply: Readiness, present: ({ data }) => data },
  async handle(_input, { services }) {
    const dependencies = await Promise.all(services.readiness.map((dependency) => probe(dependency, services)));
    const data = toReadiness(services.isDraining(), dependencies);
    return data.status === 'ready' ? { status: 200, data } : { status: 503, data };
  },
});

export const HEALTH_OPERATIONS: readonly Operation[] = [health, live, ready];

type Dependency = Static<typeof Readiness>['dependencies'][number];

async function probe(dependency: ReadinessCheck, { clock }: Services): Promise<Dependency> {
  const startedTick = clock.monotonicMs();
  try {
    await withinTime(dependency.check(), CHECK_TIMEOUT_MS);
    return {
      name: dependency.name,
      status: 'up',
      latencyMs: Math.round((clock.monotonicMs() - startedTick) * 100) / 100,
    };
  } catch {
    // Why it is down is for the log of whoever owns the check, not for the public.
    return { name: dependency.name, status: 'down' };
  }
}

function toHealth(draining: boolean): Static<typeof Health> {
  return { status: draining ? 'draining' : 'ok' };
}

function toLiveness(uptimeSeconds: number): Static<typeof Liveness> {
  return { status: 'ok', uptimeSeconds: Math.floor(uptimeSeconds) };
}

function toReadiness(draining: boolean, dependencies: Dependency[]): Static<typeof Readiness> {
  const isReady = !draining && dependencies.every(({ status }) => status === 'up');
  return { status: isReady ? 'ready' : 'unavailable', draining, dependencies };
}
