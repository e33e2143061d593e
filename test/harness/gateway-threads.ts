// What real gateway threads are started with where nobody behind them knows keys or keeps records.

import type { SupervisorOptions } from '../../src/gateway/supervision.ts';
import { createSharedCounters } from '../../src/limits/shared-counters.ts';
import { policies } from '../../src/policies/index.ts';
import { USUAL_LIMITS } from './data-plane.ts';

/** One thread, silent, with nothing published. */
export function toThreadOptions(port: number): SupervisorOptions {
  const silent = (): void => undefined;
  return {
    log: { info: silent, warn: silent, error: silent },
    policies,
    findCredential: () => Promise.resolve(undefined),
    saveRehash: () => Promise.resolve(),
    writeRecords: () => Promise.resolve(),
    circuits: { take: silent, drop: silent },
    boot: {
      host: '127.0.0.1',
      port,
      threads: 1,
      privateTargets: 'allow',
      secretsKey: new Uint8Array(32),
      hmacSecret: 'x'.repeat(32),
      previousHmacSecret: undefined,
      pseudonym: 'tollgate-test',
      keyCache: { entries: 100, ageMs: 1000, awayMs: 1000 },
      controlToken: 'token',
      trustedProxies: [],
      countries: { header: undefined, database: undefined },
      limits: USUAL_LIMITS,
      counters: createSharedCounters({ entries: 1024, seats: 3, secret: 's' }),
      redisUrl: undefined,
      redisTimeoutMs: 100,
      limitSettings: { address: [], ipv6Bits: 64, onFailure: 'deny', refundsFailures: true },
      tls: undefined,
      snapshot: { version: 1, gateways: [] },
    },
  };
}
