// What holds for roles beyond their schema. Pure.

import type { Principal } from '../../gateway/ports.ts';
import { nearest } from '../../lib/nearest.ts';
import { Problem, type Fault } from '../../lib/problem.ts';
import { hasScope, normalizeScope } from '../../lib/scope.ts';
import { BUILT_IN_ROLES } from '../built-in-roles.ts';
import { ADMIN_RESOURCES } from '../permissions.ts';

/** Names that differ in their letters' case only would be taken for each other. */
export function isBuiltInName(name: string): boolean {
  return BUILT_IN_ROLES.some((role) => role.name.toLowerCase() === name.toLowerCase());
}

/** A misspelt permission would be a role that silently cannot do its work. */
export function permissionFaults(permissions: readonly string[]): Fault[] {
  return permissions.flatMap((permission, i) => {
    const [admin, resource = ''] = permission.split(':');
    if (admin !== 'admin' || resource === '*' || ADMIN_RESOURCES.includes(resource)) return [];
    const near = nearest(resource, ADMIN_RESOURCES);
    const hint = near === undefined ? `the resources are ${ADMIN_RESOURCES.join(', ')}` : `did you mean admin:${near}?`;
    return [{ path: `body.permissions[${i}]`, message: `names nothing that Tollgate knows; ${hint}` }];
  });
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
