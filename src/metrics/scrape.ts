// What a scrape tells: everything that is known of this node at the moment, as text.

import type { Observation } from '../gateway/supervision.ts';
import { toExposition, type Family } from '../lib/exposition.ts';
import type { LimitMetrics } from '../limits/shared-counters.ts';
import { family, single } from './catalogue.ts';
import { processFamilies, readMainThread, threadFamilies, toThreadReading, type Build } from './process-families.ts';
import { targetFamilies } from './target-families.ts';
import { requestFamilies } from './request-families.ts';

export interface ScrapeParts {
  readonly build: Build;
  readonly maxConnections: number;
  /** Undefined until the gateway threads run. */
  readonly observe: () => Promise<Observation | undefined>;
  readonly readLimits: () => LimitMetrics;
  /** Those that are served. */
  readonly listGateways: () => readonly ServedGateway[];
}

export interface ServedGateway {
  readonly id: string;
  readonly name: string;
  readonly tenantId: string;
}

/** Scrapes that come while one is under way get what that one finds: asking often costs no more than asking. */
export function createScrape(parts: ScrapeParts): () => Promise<string> {
  let underway: Promise<string> | undefined;
  return () => {
    underway ??= scrape(parts).finally(() => {
      underway = undefined;
    });
    return underway;
  };
}

async function scrape({ build, maxConnections, observe, readLimits, listGateways }: ScrapeParts): Promise<string> {
  const main = await readMainThread();
  const observed = await observe();
  const threads = observed?.threads.map(toThreadReading) ?? [];
  const limits = readLimits();
  return toExposition([
    ...(observed === undefined ? [] : observedFamilies(observed)),
    single('tollgate_connections_limit', maxConnections),
    family('tollgate_gateway_info', toInfo(listGateways())),
    single('tollgate_limit_counters_evicted_total', limits.evictions),
    single('tollgate_limit_fallbacks_total', limits.fallbacks),
    ...threadFamilies([main, ...threads]),
    ...processFamilies(build),
  ]);
}

function observedFamilies({ threads, requestCounts, connections, records, lookups }: Observation): Family[] {
  return [
    ...requestFamilies(requestCounts),
    single('tollgate_connections', connections),
    ...targetFamilies(threads.map(({ state }) => state?.gateways ?? [])),
    single('tollgate_records_stored_total', records.stored),
    family('tollgate_records_dropped_total', [
      { labels: { reason: 'buffer_full' }, value: records.dropped },
      { labels: { reason: 'store_failed' }, value: records.lost },
    ]),
    family('tollgate_key_lookups_total', [
      { labels: { outcome: 'known' }, value: lookups.known },
      { labels: { outcome: 'unknown' }, value: lookups.unknown },
      { labels: { outcome: 'unavailable' }, value: lookups.unavailable },
    ]),
  ];
}

function toInfo(gateways: readonly ServedGateway[]): Family['samples'] {
  return gateways.map(({ id: gateway, name, tenantId: tenant }) => ({ labels: { gateway, name, tenant }, value: 1 }));
}
