// A limit together with whose it is: what is counted for a request, and what callers are told under its name. Pure.

import { capacityOf, type Limit, limitName } from './limit.ts';

/** Whose limit it is. */
export type QuotaKind = 'address' | 'tenant' | 'client' | 'key' | 'endpoint' | 'client-endpoint';

export interface Quota {
  readonly kind: QuotaKind;
  readonly subject: string;
  readonly limit: Limit;
}

/** Of a principal, what its limits are made of. */
export interface LimitedCaller {
  readonly tenantId: string;
  readonly clientId?: string;
  readonly keyId: string;
  readonly limits: readonly (Limit & { readonly of?: 'key' | 'client' | 'tenant' })[];
}

export function quotasOfCaller({ tenantId, clientId, keyId, limits }: LimitedCaller): Quota[] {
  const of = (kind: 'tenant' | 'client' | 'key', id: string): Quota[] =>
    toQuotas(
      kind,
      `${kind}:${id}`,
      limits.filter((limit) => (limit.of ?? 'key') === kind),
    );
  return [...of('tenant', tenantId), ...(clientId === undefined ? [] : of('client', clientId)), ...of('key', keyId)];
}

/** One quota for each name of a limit; of two with one name, the smaller holds. */
export function toQuotas(kind: QuotaKind, subject: string, limits: readonly Limit[]): Quota[] {
  const smallest = new Map<string, Limit>();
  for (const limit of limits) {
    const known = smallest.get(limitName(limit));
    if (known === undefined || capacityOf(limit) < capacityOf(known)) smallest.set(limitName(limit), limit);
  }
  return [...smallest.values()].map((limit) => ({ kind, subject, limit }));
}

/** What a limit is called towards its callers: `key-minute`, `client-endpoint-burst`. */
export function quotaName({ kind, limit }: Quota): string {
  return `${kind}-${limitName(limit)}`;
}

export function isShown({ limit }: Pick<Quota, 'limit'>): boolean {
  return limit.expose !== false;
}
