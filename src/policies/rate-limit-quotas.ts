// Which limits apply to a request: those of its caller, or of the address when there is no caller; those of the endpoint; those of the
// caller at the endpoint.

import type { Exchange } from '../gateway/exchange.ts';
import type { LimitSettings } from '../gateway/policy.ts';
import type { Principal } from '../gateway/ports.ts';
import { toAddressBlock } from '../lib/address-block.ts';
import { type Quota, quotasOfCaller, toQuotas } from '../lib/quota.ts';
import type { CheckSet, Limiter, OnFailure } from '../limits/limiter.ts';
import type { RateLimitConfig } from './rate-limit-config.ts';
import { type FieldParts, toFieldParts } from './rate-limit-fields.ts';
import { findMonths, type WatchedMonth } from './rate-limit-watch.ts';

/** The limits of a request, made ready to be counted and told. The same for all requests of one caller to one endpoint. */
export interface QuotaSet {
  readonly quotas: readonly Quota[];
  readonly checks: CheckSet;
  readonly fields: FieldParts;
  /** Of the quotas, the months of the caller; undefined when there are none. */
  readonly months: readonly WatchedMonth[] | undefined;
}

export interface QuotaParts {
  readonly config: RateLimitConfig;
  readonly limiter: Limiter;
  readonly settings: LimitSettings;
}

/** Sets for addresses, kept so that a caller who comes again costs little; forgotten all together, so that a flood of them costs no memory. */
const MAX_ADDRESSES = 256;

/** Finds the limits of an exchange; undefined when there are none. */
export function createQuotaFinder({
  config,
  limiter,
  settings,
}: QuotaParts): (exchange: Exchange) => QuotaSet | undefined {
  const onFailure = config.onFailure ?? settings.onFailure;
  const own = quotasOfEndpoint(config);
  // Principals are kept by the credential cache; what follows from one is kept as long as it is.
  const ofPrincipals = new WeakMap<Principal, QuotaSet | Unlimited>();
  const ofAddresses = new Map<string, QuotaSet | Unlimited>();

  function ofPrincipal(principal: Principal): QuotaSet | Unlimited {
    const quotas = [...quotasOfCaller(principal), ...own, ...quotasAtEndpoint(config, principal)];
    return toQuotaSet(limiter, { group: principal.tenantId, quotas, onFailure });
  }

  function ofAddress(exchange: Exchange): QuotaSet | Unlimited {
    const block = toAddressBlock(exchange.clientAddress, settings.ipv6Bits);
    const subject = config.address === undefined ? `address:${block}` : `address:${config.address.name}:${block}`;
    const quotas = [...toQuotas('address', subject, config.address?.windows ?? settings.address), ...own];
    return toQuotaSet(limiter, { group: exchange.plan?.tenantId ?? '', quotas, onFailure });
  }

  return (exchange) => {
    const { principal, clientAddress } = exchange;
    let found = principal === undefined ? ofAddresses.get(clientAddress) : ofPrincipals.get(principal);
    if (found === undefined) {
      if (principal === undefined) {
        found = ofAddress(exchange);
        if (ofAddresses.size >= MAX_ADDRESSES) ofAddresses.clear();
        ofAddresses.set(clientAddress, found);
      } else {
        found = ofPrincipal(principal);
        ofPrincipals.set(principal, found);
      }
    }
    return found === UNLIMITED ? undefined : found;
  };
}

const UNLIMITED = Symbol('no limits');
type Unlimited = typeof UNLIMITED;

interface SetPlan {
  readonly group: string;
  readonly quotas: readonly Quota[];
  readonly onFailure: OnFailure;
}

function toQuotaSet(limiter: Limiter, { group, quotas, onFailure }: SetPlan): QuotaSet | Unlimited {
  if (quotas.length === 0) return UNLIMITED;
  return {
    quotas,
    checks: limiter.prepare(group, quotas, onFailure),
    fields: toFieldParts(quotas),
    months: findMonths(quotas),
  };
}

function quotasOfEndpoint({ endpoint }: RateLimitConfig): Quota[] {
  return endpoint === null ? [] : toQuotas('endpoint', `endpoint:${endpoint.id}`, endpoint.windows);
}

/** A key that belongs to no client is one for itself. */
function quotasAtEndpoint(config: RateLimitConfig, { clientId, keyId }: Principal): Quota[] {
  const { endpoint, id = endpoint?.id, perClient } = config;
  if (id === undefined || perClient === undefined) return [];
  const who = clientId === undefined ? `key:${keyId}` : `client:${clientId}`;
  return toQuotas('client-endpoint', `${who}@endpoint:${id}`, perClient);
}
