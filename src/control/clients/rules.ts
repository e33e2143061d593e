// What holds for clients beyond their schema. Pure.

import type { RateLimit } from '../../db/schema.ts';
import type { Principal } from '../../gateway/ports.ts';
import { isId } from '../../lib/id.ts';
import type { Fault } from '../../lib/problem.ts';
import { normalizeScope } from '../../lib/scope.ts';
import { mayGrant } from '../permissions.ts';
import { rateLimitFaults } from '../rate-limit.ts';
import type { ClientRules } from '../services.ts';
import { termFaults } from '../terms.ts';

interface ClientTerms {
  readonly rateLimits?: RateLimit | null;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly allowedCountries?: readonly string[] | null;
  readonly expiresAt?: string | null;
}

interface Surroundings {
  readonly nowMs: number;
  readonly services: { readonly clients: ClientRules };
}

export function clientFaults(terms: ClientTerms, { nowMs, services }: Surroundings): Fault[] {
  const faults = [...termFaults(terms, nowMs), ...rateLimitFaults(terms.rateLimits, 'body.rateLimits')];
  if (Array.isArray(terms.allowedCountries) && !services.clients.areCountriesKnown) {
    const message =
      'would shut everybody out: nothing tells the country of a caller here; set GEOIP_DATABASE, or COUNTRY_HEADER with TRUSTED_PROXIES';
    faults.push({ path: 'body.allowedCountries', message });
  }
  return faults;
}

/** Whether somebody may give all that a client asks for. */
export function mayGiveAll(scopes: readonly string[], principal: Principal): boolean {
  return scopes.every((scope) => mayGrant(normalizeScope(scope), principal));
}

/** Of a list of ids and patterns, the ids. */
export function endpointIds(entries: readonly string[]): string[] {
  return entries.filter((entry) => isId('ep', entry));
}

export function unknownEndpointFaults(entries: readonly string[], unknown: ReadonlySet<string>): Fault[] {
  return entries.flatMap((entry, i) =>
    unknown.has(entry) ? [{ path: `body.allowedEndpoints[${i}]`, message: 'there is no endpoint with this id' }] : [],
  );
}
