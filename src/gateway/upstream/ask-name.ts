// Where a name leads, by DNS and with its time to live.

import type { LookupAddress, RecordWithTtl, SrvRecord } from 'node:dns';
import { isIP } from 'node:net';
import type { Place } from '../plan.ts';
import type { DnsName } from './target.ts';

export interface NameAnswer {
  readonly places: readonly Place[];
  readonly ttlMs: number;
}

/**
 * `system`: the name is to be looked up for each connection, as the system does it: what it says has nothing to do with what DNS says, as a
 * hosts file may want it. Rejected where DNS knows nothing of the name, or does not answer.
 */
export type AskName = (name: DnsName) => Promise<NameAnswer | 'system'>;

export interface NameServers {
  resolve4(name: string, options: { ttl: true }): Promise<RecordWithTtl[]>;
  resolve6(name: string, options: { ttl: true }): Promise<RecordWithTtl[]>;
  resolveSrv(name: string): Promise<SrvRecord[]>;
}

export interface AskDeps {
  readonly servers: NameServers;
  /** All addresses of a name, as the system knows them. */
  readonly lookUp: (name: string) => Promise<readonly LookupAddress[]>;
  /** Whether requests may go to an address at all. */
  readonly isAllowed: (address: string) => boolean;
  /** Whether this machine has an address of this family that leads anywhere. */
  readonly hasFamily: (family: 4 | 6) => boolean;
}

const MAX_PLACES = 100;
/** Nobody tells the time to live of SRV records: that of their hosts counts, and no more than this. */
const SRV_TTL_MS = 30_000;
/** RFC 2782: a weight of 0 is a small one beside others. */
const LEAST_WEIGHT = 0.01;

export function createAskName(deps: AskDeps): AskName {
  return ({ kind, name }) => (kind === 'host' ? askHost(name, deps) : askService(name, deps));
}

async function askHost(name: string, deps: AskDeps): Promise<NameAnswer | 'system'> {
  const [found, known] = await Promise.all([askAddresses(name, deps), deps.lookUp(name).catch(() => undefined)]);
  const all = new Set(found.map(({ address }) => address));
  const isOverruled = known !== undefined && known.length > 0 && !known.some(({ address }) => all.has(address));
  const allowed = found.filter(({ address }) => deps.isAllowed(address));
  // Where nothing is allowed, the look-up for the connection is what refuses.
  if (isOverruled || allowed.length === 0) return 'system';
  return toAnswer(allowed, { port: undefined, weight: 1, priority: 0 });
}

async function askService(name: string, deps: AskDeps): Promise<NameAnswer> {
  const records = (await deps.servers.resolveSrv(name)).filter((record) => record.name !== '' && record.name !== '.');
  const answers = await Promise.allSettled(
    records.slice(0, MAX_PLACES).map(async ({ name: host, port, weight, priority }) => {
      const found = isIP(host) === 0 ? await askAddresses(host, deps) : [{ address: host, ttl: SRV_TTL_MS / 1000 }];
      const allowed = found.filter(({ address }) => deps.isAllowed(address));
      return toAnswer(allowed, { port, priority, weight: Math.max(weight, LEAST_WEIGHT) });
    }),
  );
  const known = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const places = known.flatMap((answer) => answer.places).slice(0, MAX_PLACES);
  if (places.length === 0) throw new Error(`no host of ${name} is known`);
  return { places, ttlMs: Math.min(SRV_TTL_MS, ...known.map(({ ttlMs }) => ttlMs)) };
}

/** Rejected where there are none. */
async function askAddresses(name: string, { servers, hasFamily }: AskDeps): Promise<RecordWithTtl[]> {
  const [v4, v6] = await Promise.allSettled([
    servers.resolve4(name, { ttl: true }),
    servers.resolve6(name, { ttl: true }),
  ]);
  const of = (answer: PromiseSettledResult<RecordWithTtl[]>): RecordWithTtl[] =>
    answer.status === 'fulfilled' ? answer.value : [];
  const [four, six] = [of(v4), of(v6)];
  if (four.length === 0 && six.length === 0) throw new Error(`no address of ${name} is known`);
  // An address that cannot be reached from here is none, as long as there is another.
  if (four.length === 0 || (six.length > 0 && hasFamily(6) && !hasFamily(4))) return six;
  return hasFamily(6) ? [...four, ...six] : four;
}

/** They share the weight. */
function toAnswer(found: readonly RecordWithTtl[], { port, weight, priority }: Omit<Place, 'address'>): NameAnswer {
  const addresses = found.slice(0, MAX_PLACES).map(({ address }) => address);
  return {
    places: addresses.map((address) => ({ address, port, weight: weight / addresses.length, priority })),
    ttlMs: Math.min(...found.map(({ ttl }) => ttl)) * 1000,
  };
}
