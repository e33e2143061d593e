// What a change leaves behind beside itself: the audit log with its chain, the outbox of events, and the answers kept for repeated calls.

import { sql, type Kysely } from 'kysely';

const STATEMENTS = [
  // The end of each tenant's chain. Whoever appends locks this row, so that entries follow each other one by one.
  `create table audit_heads (
    tenant_id text primary key,
    count bigint not null check (count >= 0),
    hash bytea not null check (octet_length(hash) = 32)
  )`,

  // No references from here: an entry tells of what may no longer be, its tenant included.
  `create table audit_logs (
    tenant_id text not null,
    sequence bigint not null check (sequence > 0),
    id text not null unique check (starts_with(id, 'aud_')),
    occurred_at timestamptz not null,
    action text not null,
    actor jsonb not null,
    actor_id text not null,
    resource_type text not null,
    resource_id text not null,
    details jsonb not null,
    changes jsonb not null,
    request_id text,
    client_ip text,
    previous_hash bytea not null check (octet_length(previous_hash) = 32),
    hash bytea not null check (octet_length(hash) = 32),
    primary key (tenant_id, sequence)
  )`,
  `create index audit_logs_newest on audit_logs (tenant_id, occurred_at, sequence)`,
  `create index audit_logs_actor on audit_logs (tenant_id, actor_id, occurred_at, sequence)`,
  `create index audit_logs_resource on audit_logs (tenant_id, resource_id, occurred_at, sequence)`,
  `create index audit_logs_request on audit_logs (tenant_id, request_id) where request_id is not null`,
  `create index audit_logs_action on audit_logs (tenant_id, action text_pattern_ops, occurred_at, sequence)`,

  // The first wall, for every role, the owner of the tables too. The second is the chain: who takes the wall down leaves traces.
  `create function refuse_audit_change() returns trigger language plpgsql as $$
    begin
      raise exception '% is append-only: % is refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
    end
  $$`,
  `create trigger audit_logs_append_only before update or delete or truncate on audit_logs
    for each statement execute function refuse_audit_change()`,
  `create trigger audit_heads_kept before delete or truncate on audit_heads
    for each statement execute function refuse_audit_change()`,
  `create trigger audit_heads_forward before update on audit_heads for each row
    when (new.tenant_id <> old.tenant_id or new.count <> old.count + 1) execute function refuse_audit_change()`,

  `create table events (
    id text primary key check (starts_with(id, 'evt_')),
    tenant_id text not null,
    type text not null,
    data jsonb not null,
    created_at timestamptz not null
  )`,
  `create index events_created on events (created_at)`,

  `create table idempotency_keys (
    tenant_id text not null,
    caller_id text not null,
    operation text not null,
    key_hash bytea not null check (octet_length(key_hash) = 32),
    fingerprint bytea not null check (octet_length(fingerprint) = 32),
    claim bytea not null,
    claimed_until timestamptz not null,
    resource_id text,
    answer bytea,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (tenant_id, caller_id, operation, key_hash)
  )`,
  `create index idempotency_keys_expiry on idempotency_keys (expires_at)`,
  `create index idempotency_keys_age on idempotency_keys (tenant_id, created_at desc)`,
];

export const audit = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
