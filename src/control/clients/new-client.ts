// A client that is new: as it is made by whoever manages clients, or registered and perhaps approved at once.

import { toJson } from '../../db/columns.ts';
import { newId } from '../../lib/id.ts';
import type { AuthorizedContext } from '../operation.ts';
import { mayGiveAll } from './rules.ts';
import type { CreateClient, RegisterClient } from './schema.ts';
import { approvedBy } from './steps.ts';
import type { NewClientRow } from './store.ts';

/** Whoever makes it gives it its scopes, and so approves it, unless told otherwise. */
export function toCreated(body: CreateClient, context: AuthorizedContext): NewClientRow {
  const now = new Date(context.nowMs);
  return {
    ...toBlank(body.name, body.contactEmail, context),
    ...toAbout(body),
    description: body.description ?? null,
    client_type: body.clientType ?? null,
    allowed_scopes: body.scopes ?? [],
    allowed_endpoints: body.allowedEndpoints ?? null,
    ip_whitelist: body.ipWhitelist ?? null,
    allowed_countries: body.allowedCountries ?? null,
    rate_limit_tier: body.rateLimitTier ?? null,
    rate_limits: body.rateLimits === undefined ? null : toJson(body.rateLimits),
    monthly_quota: body.monthlyQuota ?? null,
    expires_at: body.expiresAt === undefined ? null : new Date(body.expiresAt),
    ...(body.status !== 'pending' && approvedBy(context.principal, now)),
  };
}

/** Pending: it may do nothing, whatever it asks for; unless approval is automatic and all of it may be given by whoever registers it. */
export function toRegistration(body: RegisterClient, context: AuthorizedContext): NewClientRow {
  const { principal, services, nowMs } = context;
  const asked = body.requestedScopes ?? [];
  const isApproved = services.clients.isApprovalAutomatic && mayGiveAll(asked, principal);
  return {
    ...toBlank(body.clientName, body.contactEmail, context),
    ...toAbout(body),
    description: body.clientDescription ?? null,
    client_type: body.clientType,
    requested_scopes: asked,
    ...(isApproved && { ...approvedBy(principal, new Date(nowMs)), allowed_scopes: asked }),
  };
}

/** May nothing yet. */
function toBlank(name: string, contactEmail: string, { principal, nowMs }: AuthorizedContext) {
  const now = new Date(nowMs);
  const nothing: string[] = [];
  return {
    id: newId('cli', nowMs),
    tenant_id: principal.tenantId,
    name,
    contact_email: contactEmail,
    requested_scopes: nothing,
    allowed_scopes: nothing,
    status: 'pending' as const,
    created_by: principal.operatorId ?? principal.keyId,
    created_at: now,
    updated_at: now,
  };
}

function toAbout(body: Omit<RegisterClient, 'clientName' | 'clientType'>) {
  return {
    organization_name: body.organizationName ?? null,
    contact_person: body.contactPerson ?? null,
    website: body.website ?? null,
    logo_url: body.logoUrl ?? null,
    redirect_uris: body.redirectUris ?? [],
    metadata: toJson(body.metadata ?? {}),
  };
}
