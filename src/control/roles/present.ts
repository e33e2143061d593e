// Roles as answers show them: those that every tenant has and those of its own, in one list.

import type { BuiltInRole } from '../built-in-roles.ts';
import type { ListMeta } from '../operation.ts';
import { toCursor, type Paging, type Sort } from '../paging.ts';
import type { Role } from './schema.ts';
import type { RoleRow } from './store.ts';

export function toRole(row: RoleRow): Role {
  return {
    name: row.name,
    ...(row.description !== null && { description: row.description }),
    permissions: row.permissions,
    isBuiltIn: false,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export function toBuiltInRole({ name, description, permissions }: BuiltInRole): Role {
  return { name, description, permissions: [...permissions], isBuiltIn: true };
}

export interface RolePage {
  readonly data: Role[];
  readonly meta: ListMeta;
}

/** A tenant has so few roles that they are sorted and cut here. */
export function toPage(roles: readonly Role[], sort: Sort, paging: Paging): RolePage {
  const direction = sort.order === 'asc' ? 1 : -1;
  const isBehind = (role: Role): boolean =>
    paging.after === undefined || compare(role.name, paging.after.value) * direction > 0;
  const rest = roles
    .toSorted((left, right) => compare(left.name, right.name) * direction)
    .filter(isBehind)
    .slice(paging.offset);
  const data = rest.slice(0, paging.pageSize);
  const last = rest.length > data.length ? data.at(-1) : undefined;
  return {
    data,
    meta: {
      ...(paging.page !== undefined && { page: paging.page }),
      pageSize: paging.pageSize,
      total: roles.length,
      nextCursor: last === undefined ? null : toCursor({ value: last.name, id: last.name }, sort),
    },
  };
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
