// What holds for roles beyond their schema. Pure.

import type { Principal } from '../../gateway/ports.ts';
import { nearest } from '../../lib/nearest.ts';
import { Problem, type Fault } from '../../lib/problem.ts';
import { hasScope, normalizeScope } from '../../lib/scope.ts';
import { BUILT_IN_ROLES } from '../built-in-roles.ts';
import { ADMIN_RESOURCES, adminActions } from '../permissions.ts';

/** Names that differ in their letters' case only would be taken for each other. */
export function isBuiltInName(name: string): boolean {
  return BUILT_IN_ROLES.some((role) => role.name.toLowerCase() === name.toLowerCase());
}

/** A misspelt permission would be a role that silently cannot do its work. */
export function permissionFaults(permissions: readonly string[]): Fault[] {
  return permissions.flatMap((permission, i) => {
    const [admin, ...rest] = permission.split(':');
    const hint = admin === 'admin' ? misspelling(rest) : undefined;
    if (hint === undefined) return [];
    return [{ path: `body.permissions[${i}]`, message: `names nothing that Tollgate knows; ${hint}` }];
  });
}

/** What is wrong with the words after `admin`, in the words of a hint. */
function misspelling([resource = '', action, ...more]: readonly string[]): string | undefined {
  if (resource === '*' && action === undefined) return undefined;
  if (!ADMIN_RESOURCES.includes(resource)) {
    const near = nearest(resource, ADMIN_RESOURCES);
    return near === undefined ? `the resources are ${ADMIN_RESOURCES.join(', ')}` : `did you mean admin:${near}?`;
  }
  const actions = adminActions(resource);
  if (action !== undefined && actions.includes(action) && more.length === 0) return undefined;
  const near = action === undefined || more.length > 0 ? undefined : nearest(action, actions);
  return near === undefined
    ? `what can be done with ${resource} is ${actions.join(', ')}`
    : `did you mean admin:${resource}:${near}?`;
}

/** Throws, naming each, when there are permissions that the principal does not hold: nobody gives what they do not have. */
export function checkPermissionsGiven(permissions: readonly string[], principal: Principal): void {
  const errors = permissions.flatMap((permission, i) =>
    hasScope(principal.scopes, normalizeScope(permission))
      ? []
      : [{ path: `body.permissions[${i}]`, message: `${permission} is not yours to give: you do not hold it` }],
  );
  if (errors.length > 0) throw new Problem('scope_not_grantable', { errors });
}
