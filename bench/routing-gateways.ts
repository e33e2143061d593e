// Gateways by the thousand, and what they are compiled with where nothing is forwarded.

import type { CompileDeps } from '../src/gateway/compile.ts';
import type { GatewayConfig } from '../src/gateway/snapshot.ts';
import { UNCOUNTED } from '../src/gateway/request-counts.ts';
import { createServices } from '../src/gateway/upstream/services.ts';
import { systemClock } from '../src/lib/clock.ts';
import { Sweep } from '../src/lib/sweep.ts';
import { policies } from '../src/policies/index.ts';

export const MANY_GATEWAYS = 1000;
/** Of each. */
export const ENDPOINTS = 10;

/** Each endpoint takes keys, asks for a scope, and counts. With another `version` none is what it was. */
export function makeGateways(count: number, endpoints: number, version = 0): GatewayConfig[] {
  return Array.from({ length: count }, (_, g) => ({
    id: `gw_${g}`,
    tenantId: 'ten_1',
    name: `gateway ${g}`,
    routePrefix: `/g${g}`,
    services: [{ name: 'service', targets: [{ url: `http://10.0.${g >> 8}.${g & 255}:8080` }], stripPrefix: false }],
    endpoints: Array.from({ length: endpoints }, (__, e) => ({
      id: `ep_${g}_${e}`,
      method: 'GET',
      path: `/things/{id}/part${e}`,
      service: 'service',
      timeoutMs: 30_000 + version,
      policies: [
        { name: 'api-key', config: {} },
        { name: 'scopes', config: { required: ['things:read'] } },
        { name: 'rate-limit', config: { endpoint: null } },
      ],
    })),
  }));
}

export function createCompileDeps(): CompileDeps {
  return {
    credentials: { recall: () => undefined, find: () => undefined },
    limiter: {
      prepare: (_group, checks) => ({ checks }),
      take: () => ({ outcome: 'admitted', atMs: 0, standings: [], release: undefined }),
      peek: () => [],
      refund: () => {},
    },
    limits: { address: [], ipv6Bits: 64, onFailure: 'deny', refundsFailures: true },
    usage: { record: () => undefined },
    clock: systemClock,
    countries: { find: () => undefined },
    requestCounts: UNCOUNTED,
    onQuota: () => undefined,
    rehash: () => undefined,
    threads: 1,
    secretsKey: new Uint8Array(32),
    hmacSecret: '',
    previousHmacSecret: undefined,
    services: createServices({
      transport: { retain: () => {} },
      reach: () => {},
      check: () => {},
      names: { known: () => undefined, watch: () => ({ cancel: () => {} }), settled: () => Promise.resolve() },
      threads: 1,
      random: Math.random,
      onNews: () => {},
      sweep: new Sweep(() => systemClock.monotonicMs()),
    }),
    controlToken: '',
    policies,
  };
}
