// Who may do what, and who may give what. Pure.

import { DEFAULT_TENANT_ID } from '../db/schema.ts';
import type { Principal } from '../gateway/ports.ts';
import { Problem, type Fault } from '../lib/problem.ts';
import { hasScope, normalizeScope } from '../lib/scope.ts';
import { findBuiltInRole } from './built-in-roles.ts';

/** Anybody; whoever proves themselves, with the rest decided by the operation; or holders of one of the permissions. */
export type Access = 'public' | 'authenticated' | { readonly anyOf: readonly string[] };

/** What a management permission can be about: `admin:<one of these>:<action>`. */
export const ADMIN_RESOURCES: readonly string[] = [
  'clients',
  'gateways',
  'keys',
  'logs',
  'rate-limits',
  'roles',
  'system',
  'tenants',
  'users',
];

const USUAL_ACTIONS: readonly string[] = ['create', 'delete', 'read', 'update', 'write', '*'];
/** Of the resources with which other things are done, or fewer. */
const OTHER_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  clients: ['approve', 'register', ...USUAL_ACTIONS],
  keys: ['verify', ...USUAL_ACTIONS],
  logs: ['read', '*'],
  'rate-limits': ['delete', 'read', 'update', '*'],
  tenants: ['act', ...USUAL_ACTIONS],
};

/** What can be done with one of them: `admin:keys:<one of these>`. */
export function adminActions(resource: string): readonly string[] {
  return OTHER_ACTIONS[resource] ?? USUAL_ACTIONS;
}

/** Resources of Tollgate itself, those of later releases too: their scopes are never a customer's to invent. */
const OWN_RESOURCES: ReadonlySet<string> = new Set([
  'admin',
  'alerts',
  'analytics',
  'api-clients',
  'api-docs',
  'api-keys',
  'audit-logs',
  'backups',
  'changelog',
  'clients',
  'dead-letters',
  'deliveries',
  'endpoints',
  'events',
  'feature-flags',
  'gateways',
  'keys',
  'oauth',
  'operators',
  'rate-limits',
  'requests',
  'roles',
  'tenants',
  'tollgate',
  'webhook-events',
  'webhooks',
]);

/** What a role may do, in normal spelling: one that every tenant has, or one of the tenant's own, with what that one holds. */
export function permissionsOf(role: string, own: readonly string[] | null = null): readonly string[] {
  return findBuiltInRole(role)?.permissions ?? (own ?? []).map(normalizeScope);
}

/** Operators of the default tenant run the installation: they make tenants, and may act in each. */
export function isOfPlatform({ kind, tenantId }: Principal): boolean {
  return kind === 'operator' && tenantId === DEFAULT_TENANT_ID;
}

/** Scopes that both sides cover: what a key with the one has when its operator's role allows the other. In normal spelling. */
export function intersectScopes(left: readonly string[], right: readonly string[]): string[] {
  const both = [...left.filter((scope) => hasScope(right, scope)), ...right.filter((scope) => hasScope(left, scope))];
  return [...new Set(both)];
}

/** Throws unless the principal is allowed in. */
export function checkPermission(
  access: 'authenticated' | readonly string[],
  principal: Principal | undefined,
): Principal {
  if (principal === undefined) {
    throw new Problem('missing_credentials', { headers: ['www-authenticate', 'Bearer realm="tollgate"'] });
  }
  if (access === 'authenticated' || access.some((permission) => hasScope(principal.scopes, permission)))
    return principal;
  throw new Problem('insufficient_scope', {
    detail: `This call needs ${access.join(' or ')}; the key does not hold it.`,
    // RFC 6750 §3.1: the challenge names a scope that would do.
    headers: ['www-authenticate', `Bearer realm="tollgate", error="insufficient_scope", scope="${access[0] ?? ''}"`],
  });
}

/** Throws, naming each, when there are scopes that the principal cannot give. Those that are there already are not given now. */
export function checkGrant(
  scopes: readonly string[],
  principal: Principal,
  present: readonly string[] = [],
  path: string = 'body.scopes',
): void {
  const errors: Fault[] = [];
  scopes.forEach((scope, i) => {
    if (present.includes(scope) || mayGrant(normalizeScope(scope), principal)) return;
    errors.push({ path: `${path}[${i}]`, message: `${scope} is not yours to give: you do not hold it` });
  });
  if (errors.length > 0) throw new Problem('scope_not_grantable', { errors });
}

/** Of an operator who holds one of these, giving scopes is the work. */
const MAKERS = ['admin:keys:create', 'admin:clients:create', 'admin:clients:update', 'admin:clients:approve'];

/** Throws for the key of a client: whatever its scopes, it changes nobody who manages, or it could give itself what it was not given. */
export function checkManages(
  principal: Principal,
  what: 'clients' | 'limits' | 'operators' | 'roles' | 'tenants',
): void {
  if (principal.clientId === undefined) return;
  throw new Problem('insufficient_scope', { detail: `The key of a client cannot make or change ${what}.` });
}

/** Throws for the key of a client: whatever its scopes, who manages its tenant and what they do is not a partner's to see. */
export function checkSees(principal: Principal, what: 'changes' | 'operators' | 'roles'): void {
  if (principal.clientId === undefined) return;
  throw new Problem('insufficient_scope', { detail: `The key of a client cannot see ${what}.` });
}

/**
 * Throws unless the principal may do all that the other may: whoever changes somebody mightier, or their keys, could make that might
 * their own. `who` is named to the caller.
 */
export function checkReach(held: readonly string[], principal: Principal, who: string): void {
  const beyond = held.filter((scope) => !hasScope(principal.scopes, scope));
  if (beyond.length === 0) return;
  throw new Problem('beyond_reach', { detail: `${who} may ${beyond.join(', ')}; your key may not.` });
}

/**
 * Nobody gives what they do not hold. But the scopes of a customer's own APIs are held by nobody at first, so operators who make
 * keys or clients give them freely; Tollgate's own are never such.
 */
export function mayGrant(scope: string, principal: Principal): boolean {
  if (hasScope(principal.scopes, scope)) return true;
  const makes = MAKERS.some((permission) => hasScope(principal.scopes, permission));
  return principal.kind === 'operator' && makes && !isOwnScope(scope);
}

/** Whether Tollgate itself asks for it, or for a part of it. In normal spelling. */
export function isOwnScope(scope: string): boolean {
  const [resource = ''] = scope.split(':');
  return scope === '*' || OWN_RESOURCES.has(resource);
}
