// What a key owes to the client that it belongs to: whether it works at all, what it may do at most, from where and to what. Pure.

import type { ClientRestrictions, Principal } from '../../gateway/ports.ts';
import type { ClientStanding, ClientStatus } from '../../lib/client-status.ts';
import { normalizeScope } from '../../lib/scope.ts';

/** Of the client's row; all null when the key has no client. */
export const CLIENT_COLUMNS = [
  'clients.status as client_status',
  'clients.expires_at as client_expires_at',
  'clients.allowed_scopes',
  'clients.allowed_endpoints',
  'clients.ip_whitelist',
  'clients.allowed_countries',
  'clients.rate_limits',
  'clients.monthly_quota',
] as const;

interface ClientRow {
  readonly client_id: string | null;
  readonly client_status: ClientStatus | null;
  readonly client_expires_at: Date | null;
  readonly allowed_scopes: string[] | null;
  readonly allowed_endpoints: string[] | null;
  readonly ip_whitelist: string[] | null;
  readonly allowed_countries: string[] | null;
}

export interface ClientTerms {
  readonly standing: ClientStanding;
  /** In normal spelling. */
  readonly scopes: readonly string[];
  readonly ofPrincipal: Pick<Principal, 'clientId' | 'restrictions'>;
}

/** Undefined for a key of nobody's. Throws when the client cannot be seen: a key must not work for want of what binds it. */
export function toClientTerms(row: ClientRow): ClientTerms | undefined {
  if (row.client_id === null) return undefined;
  if (row.client_status === null || row.allowed_scopes === null)
    throw new Error(`the client of a key cannot be read: ${row.client_id}`);
  const restrictions = toRestrictions(row);
  return {
    standing: { status: row.client_status, expiresAtMs: row.client_expires_at?.getTime() },
    scopes: row.allowed_scopes.map(normalizeScope),
    ofPrincipal: { clientId: row.client_id, ...(restrictions !== undefined && { restrictions }) },
  };
}

function toRestrictions(row: ClientRow): ClientRestrictions | undefined {
  const { ip_whitelist: addresses, allowed_countries: countries, allowed_endpoints: endpoints } = row;
  if (addresses === null && countries === null && endpoints === null) return undefined;
  return {
    ...(addresses !== null && { addresses }),
    ...(countries !== null && { countries }),
    ...(endpoints !== null && { endpoints }),
  };
}
