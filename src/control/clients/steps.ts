// What can be done to a client, and from which status. Pure: each looks at the client as it is and says what becomes of it.

import { toJson } from '../../db/columns.ts';
import type { Principal } from '../../gateway/ports.ts';
import type { ClientStatus } from '../../lib/client-status.ts';
import { Problem } from '../../lib/problem.ts';
import { checkGrant } from '../permissions.ts';
import type { Step } from './change.ts';
import type { UpdateClient } from './schema.ts';
import type { ClientChange, ClientRow } from './store.ts';

export interface Approval {
  /** What the approver gives; undefined for what was given before, or else all that was asked for. */
  readonly scopes: readonly string[] | undefined;
  readonly principal: Principal;
  readonly now: Date;
}

/** A decision can be taken back: who was rejected may be approved. */
export function approve(before: ClientRow, { scopes, principal, now }: Approval): Step {
  checkStatus(before, ['pending', 'rejected'], 'approved');
  const asked = before.allowed_scopes.length > 0 ? before.allowed_scopes : before.requested_scopes;
  const given = scopes ?? asked;
  checkGrant(given, principal, before.allowed_scopes, scopes === undefined ? 'requestedScopes' : 'body.allowedScopes');
  const change: ClientChange = { ...approvedBy(principal, now), allowed_scopes: [...given] };
  return { action: 'client.approve', events: ['client.approved'], change };
}

/** The columns that tell of an approval. */
export function approvedBy(principal: Principal, now: Date) {
  return {
    status: 'active',
    status_reason: null,
    approved_at: now,
    approved_by: principal.operatorId ?? principal.keyId,
  } as const;
}

export function reject(before: ClientRow, reason: string | undefined): Step {
  checkStatus(before, ['pending'], 'rejected');
  const change: ClientChange = { status: 'rejected', status_reason: reason ?? null };
  return { action: 'client.reject', events: ['client.rejected'], change };
}

export function suspend(before: ClientRow, reason: string | undefined): Step | undefined {
  if (before.status === 'suspended') return undefined;
  checkStatus(before, ['active'], 'suspended');
  const change: ClientChange = { status: 'suspended', status_reason: reason ?? null };
  return { action: 'client.suspend', events: ['client.suspended'], change };
}

export function reactivate(before: ClientRow): Step | undefined {
  if (before.status === 'active') return undefined;
  checkStatus(before, ['suspended'], 'reactivated; POST /clients/{id}/approve lets in who was not approved');
  const change: ClientChange = { status: 'active', status_reason: null };
  return { action: 'client.reactivate', events: ['client.reactivated'], change };
}

/** A change of what is said about it, of what it may, and of whether it is suspended, in one. */
export function update(
  before: ClientRow,
  body: UpdateClient,
  principal: Principal,
  scopesPath: string,
): Step | undefined {
  checkGrant(body.scopes ?? [], principal, before.allowed_scopes, scopesPath);
  const { status, ...rest } = body;
  const turn = status === undefined ? undefined : turnTo(status, before);
  if (Object.keys(rest).length === 0) return turn;
  return {
    action: 'client.update',
    events: [...(turn?.events ?? []), 'client.updated'],
    change: { ...toColumns(rest), ...turn?.change },
  };
}

function turnTo(status: NonNullable<UpdateClient['status']>, before: ClientRow): Step | undefined {
  switch (status) {
    case 'suspended':
      return suspend(before, undefined);
    case 'active':
      return reactivate(before);
  }
}

function checkStatus(row: ClientRow, from: readonly ClientStatus[], what: string): void {
  if (from.includes(row.status)) return;
  throw new Problem('client_status_conflict', {
    detail: `The client is ${row.status}; only one that is ${from.join(' or ')} can be ${what}.`,
  });
}

function toColumns(body: Omit<UpdateClient, 'status'>): ClientChange {
  return {
    ...(body.name !== undefined && { name: body.name }),
    ...(body.description !== undefined && { description: body.description }),
    ...(body.clientType !== undefined && { client_type: body.clientType }),
    ...(body.organizationName !== undefined && { organization_name: body.organizationName }),
    ...(body.contactEmail !== undefined && { contact_email: body.contactEmail }),
    ...(body.contactPerson !== undefined && { contact_person: body.contactPerson }),
    ...(body.website !== undefined && { website: body.website }),
    ...(body.logoUrl !== undefined && { logo_url: body.logoUrl }),
    ...(body.redirectUris !== undefined && { redirect_uris: body.redirectUris }),
    ...(body.metadata !== undefined && { metadata: toJson(body.metadata) }),
    ...(body.scopes !== undefined && { allowed_scopes: body.scopes }),
    ...(body.rateLimitTier !== undefined && { rate_limit_tier: body.rateLimitTier }),
    ...(body.rateLimits !== undefined && { rate_limits: body.rateLimits === null ? null : toJson(body.rateLimits) }),
    ...(body.monthlyQuota !== undefined && { monthly_quota: body.monthlyQuota }),
    ...(body.allowedEndpoints !== undefined && { allowed_endpoints: body.allowedEndpoints }),
    ...(body.ipWhitelist !== undefined && { ip_whitelist: body.ipWhitelist }),
    ...(body.allowedCountries !== undefined && { allowed_countries: body.allowedCountries }),
    ...(body.expiresAt !== undefined && { expires_at: body.expiresAt === null ? null : new Date(body.expiresAt) }),
  };
}
