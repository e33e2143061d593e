// Who may do what, and who may give what. Pure.

import type { Principal } from '../gateway/ports.ts';
import { Problem, type Fault } from '../lib/problem.ts';
import { hasScope, normalizeScope } from '../lib/scope.ts';

export type Access = 'public' | { readonly anyOf: readonly string[] };

/** What each role may do. An operator's key is bounded by it. */
const ROLES: ReadonlyMap<string, readonly string[]> = new Map([['SUPER_ADMIN', ['*']]]);

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

export function permissionsOf(role: string): readonly string[] {
  return ROLES.get(role) ?? [];
}

/** Scopes that both sides cover: what a key with the one has when its operator's role allows the other. In normal spelling. */
export function intersectScopes(left: readonly string[], right: readonly string[]): string[] {
  const both = [...left.filter((scope) => hasScope(right, scope)), ...right.filter((scope) => hasScope(left, scope))];
  return [...new Set(both)];
}

/** Throws unless the principal holds one of the permissions. */
export function checkPermission(anyOf: readonly string[], principal: Principal | undefined): Principal {
  if (principal === undefined) {
    throw new Problem('missing_credentials', { headers: ['www-authenticate', 'Bearer realm="tollgate"'] });
  }
  if (anyOf.some((permission) => hasScope(principal.scopes, permission))) return principal;
  throw new Problem('insufficient_scope', {
    detail: `This call needs ${anyOf.join(' or ')}; the key does not hold it.`,
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

/**
 * Nobody gives what they do not hold. But the scopes of a customer's own APIs are held by nobody at first, so operators who make
 * keys or clients give them freely; Tollgate's own are never such.
 */
export function mayGrant(scope: string, principal: Principal): boolean {
  if (hasScope(principal.scopes, scope)) return true;
  const makes = MAKERS.some((permission) => hasScope(principal.scopes, permission));
  return principal.kind === 'operator' && makes && isForeign(scope);
}

function isForeign(scope: string): boolean {
  const [resource = ''] = scope.split(':');
  return scope !== '*' && !OWN_RESOURCES.has(resource);
}
