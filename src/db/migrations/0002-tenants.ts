// Tenants that can be suspended and deleted, operators with a status and a password, roles of a tenant's own. What walls tenants off from
// each other in the database stands in ../tenant-walls.ts.

import { sql, type Kysely } from 'kysely';

const STATEMENTS = [
  // What was deleted stays, seen by nobody: the records of what it did name it.
  `alter table tenants
    add column status text not null default 'active' check (status in ('active', 'suspended')),
    add column updated_at timestamptz not null default now(),
    add column deleted_at timestamptz,
    drop constraint tenants_slug_key`,
  `update tenants set updated_at = created_at`,
  `create unique index tenants_slug on tenants (slug) where deleted_at is null`,
  `create index tenants_created on tenants (created_at, id) where deleted_at is null`,

  `alter table operators
    add column status text not null default 'active' check (status in ('active', 'suspended')),
    add column updated_at timestamptz not null default now(),
    add column deleted_at timestamptz`,
  `update operators set updated_at = created_at`,
  // Within a tenant only: that somebody works for another tenant too is nobody's business.
  `drop index operators_email`,
  `create unique index operators_email on operators (tenant_id, lower(email)) where deleted_at is null`,
  `create index operators_created on operators (tenant_id, created_at, id) where deleted_at is null`,

  // Roles that every tenant has stand in the program.
  `create table roles (
    tenant_id text not null references tenants,
    name text not null,
    description text,
    permissions text[] not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, name)
  )`,

  // Apart from the operators, so that nothing that shows an operator reads it.
  `create table operator_passwords (
    operator_id text primary key,
    tenant_id text not null references tenants,
    hash text not null,
    changed_at timestamptz not null,
    failures integer not null default 0 check (failures >= 0),
    locked_until timestamptz,
    foreign key (tenant_id, operator_id) references operators (tenant_id, id) on delete cascade
  )`,
];

export const tenants = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
