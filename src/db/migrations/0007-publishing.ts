// What gateways and endpoints gained: hosts, versions, CORS, deprecation; and revisions that know what they were made of.

import { sql, type Kysely } from 'kysely';

const STATEMENTS = [
  `alter table gateways
    add column hosts text[] not null default '{}',
    add column versioning jsonb,
    add column cors jsonb,
    add column status_since timestamptz,
    drop constraint gateways_status_check,
    add constraint gateways_status_check check (status in ('active', 'inactive', 'maintenance', 'deprecated'))`,

  `alter table endpoints
    add column deprecated boolean not null default false,
    add column deprecated_since timestamptz,
    add column deprecation_date timestamptz,
    add column sunset_date timestamptz,
    add column successor text,
    add column gone_after_sunset boolean not null default false`,

  // Null for revisions from before.
  `alter table revisions
    add column document jsonb,
    add column changes jsonb,
    add column restored integer`,
  `create index revisions_gateway on revisions (tenant_id, gateway_id, number)`,
];

export const publishing = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
