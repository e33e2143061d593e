// Tiers as data, limits of tenants and of live endpoints, the quotas of clients, and which of their quotas people were told of.

import { sql, type Kysely } from 'kysely';

/** Those that every installation begins with. */
export const FIRST_TIERS = `insert into rate_limit_tiers (name, limits, created_at, updated_at)
  select name, limits::jsonb, now(), now() from (values
    ('free', '{"requestsPerMinute": 30, "requestsPerHour": 500, "requestsPerDay": 5000}'),
    ('basic', '{"requestsPerMinute": 60, "requestsPerHour": 1000, "requestsPerDay": 10000, "burst": 10}'),
    ('standard', '{"requestsPerMinute": 120, "requestsPerHour": 5000, "requestsPerDay": 50000, "burst": 20}'),
    ('professional', '{"requestsPerMinute": 200, "requestsPerHour": 10000, "requestsPerDay": 100000, "burst": 35}'),
    ('premium', '{"requestsPerMinute": 300, "requestsPerHour": 15000, "requestsPerDay": 150000, "burst": 50}'),
    ('enterprise', '{"requestsPerMinute": 600, "requestsPerHour": 50000, "requestsPerDay": 500000, "burst": 100}')
  ) as tier (name, limits)`;

const STATEMENTS: readonly string[] = [
  // No tenant: tiers are of the platform, and whoever has clients may give them any.
  `create table rate_limit_tiers (
    name text primary key,
    limits jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
  )`,
  FIRST_TIERS,

  `alter table clients
    add column monthly_quota integer check (monthly_quota > 0),
    add constraint clients_tier foreign key (rate_limit_tier) references rate_limit_tiers`,
  `create index clients_tier on clients (rate_limit_tier, id) where rate_limit_tier is not null`,

  `alter table tenants
    add column rate_limits jsonb,
    add column rate_multiplier double precision check (rate_multiplier > 0),
    add column time_zone text`,

  // In the place of what was deployed, at once.
  `alter table endpoints add column limit_override jsonb`,

  `create table quota_notices (
    tenant_id text not null references tenants,
    subject text not null,
    resets_at timestamptz not null,
    quota bigint not null,
    level text not null check (level in ('warning', 'exceeded')),
    noticed_at timestamptz not null,
    primary key (tenant_id, subject, resets_at, quota, level)
  )`,
  `create index quota_notices_reset on quota_notices (resets_at)`,
];

export const tiers = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
