// The roles that every tenant has, and nobody can change.

export interface BuiltInRole {
  readonly name: string;
  readonly description: string;
  readonly permissions: readonly string[];
}

/** May do everything in its tenant. Without one nobody could ever give anything again, so the last stays. */
export const SUPER_ADMIN = 'SUPER_ADMIN';

export const BUILT_IN_ROLES: readonly BuiltInRole[] = [
  { name: SUPER_ADMIN, description: 'Full system access', permissions: ['*'] },
  { name: 'KEY_ADMIN', description: 'Can manage API keys', permissions: ['admin:keys:*'] },
  { name: 'KEY_VIEWER', description: 'Can only view API keys', permissions: ['admin:keys:read'] },
  { name: 'USER_ADMIN', description: 'Can manage admin users', permissions: ['admin:users:*'] },
  {
    name: 'SUPPORT',
    description: 'Limited read-only access',
    permissions: ['admin:keys:read', 'admin:logs:read'],
  },
];

export function findBuiltInRole(name: string): BuiltInRole | undefined {
  return BUILT_IN_ROLES.find((role) => role.name === name);
}
