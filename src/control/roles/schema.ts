// Roles as requests and answers write them. A role is known by its name: that is what operators have.

import { Type, type Static } from 'typebox';
import { pagingFields } from '../paging.ts';
import { clearable, closed, oneOf, optional, text, time } from '../schema-parts.ts';

const MAX_PERMISSIONS = 100;

const name = text(50, 'What operators name as their `role`; stays for the life of the role.', { format: 'role-name' });
const description = text(500, 'What the role is for.');
const permissions = Type.Array(Type.String({ format: 'scope' }), {
  minItems: 1,
  maxItems: MAX_PERMISSIONS,
  uniqueItems: true,
  description: 'What its operators may do: `admin:keys:read`, `admin:logs:*`, `gateways:write`. Only what you hold.',
});

export const RoleParams = closed({ name: Type.String({ maxLength: 100, description: 'The name of the role.' }) });

export const CreateRole = closed({ name, description: optional(description), permissions });

export const UpdateRole = closed(
  { description: optional(clearable(description)), permissions: optional(permissions) },
  { description: 'What is left out stays as it is; null clears.' },
);

export const ListRoles = closed({
  ...pagingFields(100),
  sortOrder: optional(oneOf(['asc', 'desc'], 'By name; asc unless told.')),
  search: optional(text(200, 'Anywhere in name or description.')),
});

export const Role = closed({
  name: Type.String(),
  description: optional(Type.String()),
  permissions: Type.Array(Type.String()),
  isBuiltIn: Type.Boolean({ description: 'Every tenant has it, and nobody can change it.' }),
  createdAt: optional(time('When it was made; absent for built-in roles.')),
  updatedAt: optional(time('When it was changed last; absent for built-in roles.')),
});

export const DeletedRole = closed({
  name: Type.String(),
  deleted: Type.Unsafe<boolean>({ type: 'boolean', const: true }),
});

export type CreateRole = Static<typeof CreateRole>;
export type UpdateRole = Static<typeof UpdateRole>;
export type ListRoles = Static<typeof ListRoles>;
export type Role = Static<typeof Role>;
