// An operator as answers show them.

import type { Operator } from './schema.ts';
import type { OperatorRow } from './store.ts';

export function toOperator(row: OperatorRow): Operator {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    email: row.email,
    role: row.role,
    status: row.status,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    ...(row.password_changed_at !== null && { passwordChangedAt: row.password_changed_at.toISOString() }),
  };
}
