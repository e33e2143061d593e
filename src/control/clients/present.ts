// Clients as answers show them, in both spellings.

import type { Static } from 'typebox';
import { resolveRateLimit, type LimitSources } from '../rate-limit.ts';
import type { Client, Dashboard, DeletedClient, RegisteredClient, RegisteredWithKeys, ShownStatus } from './schema.ts';
import type { ClientRow, Credential, KeyCounts } from './store.ts';

export function toClient(row: ClientRow, nowMs: number): Client {
  return {
    id: row.id,
    name: row.name,
    ...(row.description !== null && { description: row.description }),
    ...(row.client_type !== null && { clientType: row.client_type }),
    ...(row.organization_name !== null && { organizationName: row.organization_name }),
    contactEmail: row.contact_email,
    ...(row.contact_person !== null && { contactPerson: row.contact_person }),
    ...(row.website !== null && { website: row.website }),
    ...(row.logo_url !== null && { logoUrl: row.logo_url }),
    redirectUris: row.redirect_uris,
    status: statusOf(row, nowMs),
    ...(row.status_reason !== null && { statusReason: row.status_reason }),
    scopes: row.allowed_scopes,
    requestedScopes: row.requested_scopes,
    ...(row.rate_limit_tier !== null && { rateLimitTier: row.rate_limit_tier }),
    ...(row.rate_limits !== null && { rateLimits: row.rate_limits }),
    ...(row.monthly_quota !== null && { monthlyQuota: row.monthly_quota }),
    ...(row.allowed_endpoints !== null && { allowedEndpoints: row.allowed_endpoints }),
    ...(row.ip_whitelist !== null && { ipWhitelist: row.ip_whitelist }),
    ...(row.allowed_countries !== null && { allowedCountries: row.allowed_countries }),
    metadata: row.metadata,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    ...(row.approved_by !== null && { approvedBy: row.approved_by }),
    ...(row.approved_at !== null && { approvedAt: row.approved_at.toISOString() }),
    ...(row.expires_at !== null && { expiresAt: row.expires_at.toISOString() }),
  };
}

export function toRegistered(row: ClientRow, nowMs: number): RegisteredClient {
  const { name, description, scopes, rateLimitTier, ...alike } = toClient(row, nowMs);
  return {
    ...alike,
    clientId: row.id,
    clientName: name,
    ...(description !== undefined && { clientDescription: description }),
    allowedScopes: scopes,
    ...(rateLimitTier !== undefined && { subscriptionTier: rateLimitTier }),
  };
}

export function toRegisteredWithKeys(row: ClientRow, keys: readonly Credential[], nowMs: number): RegisteredWithKeys {
  return {
    ...toRegistered(row, nowMs),
    credentials: keys.map((key) => ({
      id: key.id,
      keyId: key.key_prefix,
      name: key.name,
      createdAt: key.created_at.toISOString(),
      ...(key.expires_at !== null && { expiresAt: key.expires_at.toISOString() }),
      ...(key.last_used_at !== null && { lastUsedAt: key.last_used_at.toISOString() }),
    })),
  };
}

export function toDeletedClient(id: string, revokedKeys: number): Static<typeof DeletedClient> {
  return { id, deleted: true, revokedKeys };
}

export interface DashboardParts {
  readonly row: ClientRow;
  readonly counts: KeyCounts;
  readonly limits: LimitSources;
  readonly nowMs: number;
}

export function toDashboard({ row, counts, limits, nowMs }: DashboardParts): Static<typeof Dashboard> {
  return {
    client: toClient(row, nowMs),
    keys: {
      total: counts.total,
      usable: counts.usable,
      ...(counts.last_used_at !== null && { lastUsedAt: counts.last_used_at.toISOString() }),
    },
    limits: {
      ...(row.rate_limit_tier !== null && { tier: row.rate_limit_tier }),
      ...(row.monthly_quota !== null && { monthlyQuota: row.monthly_quota }),
      rateLimit: resolveRateLimit(limits),
    },
  };
}

function statusOf(row: ClientRow, nowMs: number): ShownStatus {
  const isOver = row.expires_at !== null && row.expires_at.getTime() <= nowMs;
  return row.status === 'active' && isOver ? 'expired' : row.status;
}
