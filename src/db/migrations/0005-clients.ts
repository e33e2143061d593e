// Clients, and whose key a key is.

import { sql, type Kysely } from 'kysely';

const STATEMENTS = [
  `create table clients (
    id text primary key check (starts_with(id, 'cli_')),
    tenant_id text not null references tenants,
    name text not null,
    description text,
    client_type text check (client_type in ('web_app', 'mobile_app', 'integration', 'webhook', 'internal')),
    organization_name text,
    contact_email text not null,
    contact_person text,
    website text,
    logo_url text,
    redirect_uris text[] not null,
    requested_scopes text[] not null,
    allowed_scopes text[] not null,
    allowed_endpoints text[] check (cardinality(allowed_endpoints) > 0),
    ip_whitelist text[] check (cardinality(ip_whitelist) > 0),
    allowed_countries text[] check (cardinality(allowed_countries) > 0),
    rate_limit_tier text,
    rate_limits jsonb,
    metadata jsonb not null,
    status text not null check (status in ('pending', 'active', 'suspended', 'rejected')),
    status_reason text,
    approved_at timestamptz,
    approved_by text,
    expires_at timestamptz,
    created_by text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (tenant_id, id)
  )`,
  `create index clients_created on clients (tenant_id, created_at, id)`,

  `alter table keys add column client_id text`,
  `alter table keys add column rate_limit_override integer check (rate_limit_override > 0)`,
  `alter table keys add foreign key (tenant_id, client_id) references clients (tenant_id, id)`,
  // What an operator may do comes from a role, what a client may do from the client: never from both.
  `alter table keys add check (client_id is null or operator_id is null)`,
  `create index keys_client on keys (tenant_id, client_id, created_at, id) where client_id is not null`,

  // What was deployed before asks for keys, but holds nobody to the restrictions of a client.
  `update revisions set config = jsonb_set(config, '{endpoints}', (
    select coalesce(jsonb_agg(
      case when endpoint -> 'policies' @> '[{"name": "api-key"}]'
        then jsonb_set(endpoint, '{policies}', (endpoint -> 'policies') || '[{"name": "client", "config": {}}]')
        else endpoint end
      order by place), '[]')
    from jsonb_array_elements(config -> 'endpoints') with ordinality as each (endpoint, place)
  )) where jsonb_typeof(config -> 'endpoints') = 'array'`,
];

export const clients = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
