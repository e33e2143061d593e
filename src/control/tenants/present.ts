// A tenant as answers show it.

import type { Tenant } from './schema.ts';
import type { TenantRow } from './store.ts';

export function toTenant(row: TenantRow): Tenant {
  return {
    id: row.id,
    name: row.name,
    slug: row.slug,
    status: row.status,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
