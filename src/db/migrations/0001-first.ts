// The tables of the first release.

import { sql, type Kysely } from 'kysely';

const STATEMENTS = [
  `create table installation (
    singleton boolean primary key default true check (singleton),
    version bigint not null default 0,
    setup_at timestamptz,
    first_gateway_at timestamptz,
    hmac_check bytea,
    encryption_check bytea
  )`,
  `insert into installation default values`,

  `create table tenants (
    id text primary key check (starts_with(id, 'ten_')),
    name text not null,
    slug text not null unique,
    created_at timestamptz not null
  )`,
  `insert into tenants (id, name, slug, created_at) values ('ten_00000000000000000000000000', 'Default', 'default', now())`,

  `create table operators (
    id text primary key check (starts_with(id, 'usr_')),
    tenant_id text not null references tenants,
    name text not null,
    email text not null,
    role text not null,
    created_at timestamptz not null,
    unique (tenant_id, id)
  )`,
  `create unique index operators_email on operators (lower(email))`,

  `create table keys (
    id text primary key check (starts_with(id, 'key_')),
    tenant_id text not null references tenants,
    operator_id text,
    public_id text not null unique,
    key_prefix text not null,
    hash bytea not null check (octet_length(hash) = 48),
    name text not null,
    description text,
    owner text,
    scopes text[] not null,
    rate_limit jsonb,
    metadata jsonb not null,
    created_by text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    foreign key (tenant_id, operator_id) references operators (tenant_id, id)
  )`,
  `create index keys_created on keys (tenant_id, created_at, id)`,
  `create index keys_operator on keys (tenant_id, operator_id) where operator_id is not null`,

  `create table gateways (
    id text primary key check (starts_with(id, 'gw_')),
    tenant_id text not null references tenants,
    name text not null,
    description text,
    base_url text,
    version text not null,
    route_prefix text not null,
    upstream_services jsonb not null,
    load_balancing_strategy text not null,
    security_settings jsonb not null,
    timeout_seconds integer not null check (timeout_seconds > 0),
    status text not null check (status in ('active', 'inactive')),
    deployed_revision_id text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (tenant_id, id)
  )`,
  `create unique index gateways_name on gateways (tenant_id, lower(name))`,

  `create table endpoints (
    id text primary key check (starts_with(id, 'ep_')),
    tenant_id text not null,
    gateway_id text not null,
    method text not null,
    path text not null,
    operation_id text,
    summary text,
    description text,
    tags text[] not null,
    service text,
    upstream_url text,
    timeout_seconds integer check (timeout_seconds > 0),
    auth_required boolean,
    required_scopes text[] not null,
    rate_limit jsonb,
    is_active boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check (service is null or upstream_url is null),
    foreign key (tenant_id, gateway_id) references gateways (tenant_id, id) on delete cascade,
    constraint endpoints_route unique (gateway_id, method, path)
  )`,
  `create unique index endpoints_operation on endpoints (gateway_id, operation_id) where operation_id is not null`,

  // Revisions outlive their gateway: what was once on the air stays known. Hence no reference from them to it.
  `create table revisions (
    id text primary key check (starts_with(id, 'rev_')),
    tenant_id text not null references tenants,
    gateway_id text not null,
    number integer not null check (number > 0),
    config jsonb not null,
    created_by text not null,
    created_at timestamptz not null,
    unique (gateway_id, number)
  )`,
  `alter table gateways add foreign key (deployed_revision_id) references revisions`,

  // No references from here: a record may tell of what no longer is, and must never be refused.
  `create table request_logs (
    request_id text not null,
    tenant_id text not null,
    started_at timestamptz not null,
    duration_ms double precision not null,
    method text not null,
    path text not null,
    query text not null,
    status integer not null,
    error_code text,
    rate_limited boolean not null,
    auth_failed boolean not null,
    gateway_id text,
    endpoint_id text,
    key_id text,
    client_ip text not null,
    user_agent text,
    request_bytes bigint not null,
    response_bytes bigint not null,
    service text,
    target text,
    upstream_ms double precision,
    request_headers jsonb,
    -- Read backwards it is also the list of the newest of a tenant, so that there is one index less to keep.
    primary key (tenant_id, started_at, request_id)
  ) partition by range (started_at)`,
  `create index request_logs_request on request_logs (tenant_id, request_id)`,
  `create index request_logs_key on request_logs (tenant_id, key_id, started_at desc) where key_id is not null`,
  `create index request_logs_endpoint on request_logs (tenant_id, endpoint_id, started_at desc) where endpoint_id is not null`,
  // Failures are looked for and are few; successes are neither.
  `create index request_logs_failed on request_logs (tenant_id, status, started_at desc) where status >= 400`,
];

export const first = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
