// The rows of every table, as Kysely sees them. Times are Dates, int8 is a number, bytea a Uint8Array (see columns.ts).
// What a change leaves behind beside itself stands in trail-schema.ts.

import type { ColumnType, RawBuilder } from 'kysely';
import type { ClientStatus } from '../lib/client-status.ts';
import type { Defaulted, Json, Optional, OptionalJson } from './column-kinds.ts';
import type { LimitCounterTable, QuotaNoticeTable, RateLimitTierTable } from './limit-schema.ts';
import type { EndpointTable, GatewayTable, RevisionTable } from './publishing-schema.ts';
import type { AuditHeadTable, AuditLogTable, EventTable, IdempotencyKeyTable } from './trail-schema.ts';

/** The tenant that the first migration makes; whatever has no other owner belongs to it. */
export const DEFAULT_TENANT_ID = 'ten_00000000000000000000000000';

export interface Database {
  installation: InstallationTable;
  tenants: TenantTable;
  roles: RoleTable;
  operators: OperatorTable;
  operator_passwords: OperatorPasswordTable;
  clients: ClientTable;
  keys: KeyTable;
  gateways: GatewayTable;
  endpoints: EndpointTable;
  revisions: RevisionTable;
  request_logs: RequestLogTable;
  rate_limit_tiers: RateLimitTierTable;
  limit_counters: LimitCounterTable;
  quota_notices: QuotaNoticeTable;
  audit_heads: AuditHeadTable;
  audit_logs: AuditLogTable;
  events: EventTable;
  idempotency_keys: IdempotencyKeyTable;
}

/** Exactly one row. */
export interface InstallationTable {
  singleton: Defaulted<true>;
  /** The configuration version: grows with every change that a gateway may have to know. */
  version: Defaulted<number>;
  setup_at: Defaulted<Date | null>;
  /** When the first gateway was made; tells an installation that never had one from one whose gateways were deleted. */
  first_gateway_at: Defaulted<Date | null>;
  hmac_check: Defaulted<Uint8Array | null>;
  encryption_check: Defaulted<Uint8Array | null>;
}

export type Standing = 'active' | 'suspended';

export interface TenantTable {
  id: string;
  name: string;
  slug: string;
  status: ColumnType<Standing, Standing | undefined, Standing>;
  created_at: Date;
  updated_at: ColumnType<Date, Date | undefined, Date>;
  /** Over all that call in it together; null: unlimited. */
  rate_limits: ColumnType<RateLimit | null, undefined, RawBuilder<RateLimit> | null>;
  /** What the limits of its clients and keys are multiplied by; null: 1. */
  rate_multiplier: Optional<number>;
  /** Whose days and months they are; null: UTC. */
  time_zone: Optional<string>;
  /** Deleted tenants stay, seen by nobody. */
  deleted_at: Defaulted<Date | null>;
}

/** Roles that a tenant has made; those that every tenant has stand in the program. */
export interface RoleTable {
  tenant_id: string;
  name: string;
  description: string | null;
  permissions: string[];
  created_at: Date;
  updated_at: Date;
}

export interface OperatorTable {
  id: string;
  tenant_id: string;
  name: string;
  email: string;
  /** The name of a role. */
  role: string;
  status: ColumnType<Standing, Standing | undefined, Standing>;
  created_at: Date;
  updated_at: ColumnType<Date, Date | undefined, Date>;
  /** Deleted operators stay, seen by nobody. */
  deleted_at: Defaulted<Date | null>;
}

export interface OperatorPasswordTable {
  operator_id: string;
  tenant_id: string;
  hash: string;
  changed_at: Date;
  /** Wrong passwords since the last right one. */
  failures: ColumnType<number, number | undefined, number>;
  locked_until: ColumnType<Date | null, Date | null | undefined, Date | null>;
}

/** Windows that are not named are unlimited. */
export interface RateLimit {
  readonly requestsPerMinute?: number;
  readonly requestsPerHour?: number;
  readonly requestsPerDay?: number;
  readonly requestsPerMonth?: number;
  readonly burst?: number;
}

export type ClientType = 'web_app' | 'mobile_app' | 'integration' | 'webhook' | 'internal';

/** Partner applications. Of the lists that restrict, null restricts nothing. */
export interface ClientTable {
  id: string;
  tenant_id: string;
  name: string;
  description: string | null;
  client_type: ClientType | null;
  organization_name: string | null;
  contact_email: string;
  contact_person: string | null;
  website: string | null;
  logo_url: string | null;
  redirect_uris: string[];
  /** What it asked for when it was registered; gives it nothing. */
  requested_scopes: string[];
  /** What its keys may hold at most; given by whoever holds it. */
  allowed_scopes: string[];
  allowed_endpoints: string[] | null;
  ip_whitelist: string[] | null;
  allowed_countries: string[] | null;
  /** The name of a tier. */
  rate_limit_tier: string | null;
  /** Null: those of the tier, or the defaults of the installation. */
  rate_limits: OptionalJson<RateLimit>;
  /** Requests of all its keys in a month, beside its other limits. */
  monthly_quota: Optional<number>;
  metadata: Json<Readonly<Record<string, unknown>>>;
  status: ClientStatus;
  /** What was said when the status was set. */
  status_reason: string | null;
  approved_at: Date | null;
  approved_by: string | null;
  expires_at: Date | null;
  created_by: string;
  created_at: Date;
  updated_at: Date;
}

export interface KeyTable {
  id: string;
  tenant_id: string;
  /** Null for keys that belong to no client. */
  client_id: ColumnType<string | null, string | null | undefined, null>;
  /** Null for keys that belong to no operator. */
  operator_id: string | null;
  /** What the key is found by; of a key from elsewhere, half of its digest (lib/foreign-key-text.ts). */
  public_id: string;
  /** `<prefix>_<public id>`, or how a key from elsewhere begins: what may be shown. */
  key_prefix: string;
  /** HMAC-SHA-384 of the key's text; of a key from elsewhere, of its digest. */
  hash: Uint8Array;
  /** The id of the pepper in the hash (lib/pepper.ts). */
  pepper: string;
  /** How a key from elsewhere ends. */
  last_characters: Optional<string>;
  name: string;
  description: string | null;
  owner: string | null;
  /** As written by whoever made the key. */
  scopes: string[];
  /** Null: the defaults of the installation. */
  rate_limit: OptionalJson<RateLimit>;
  /** Requests a minute in the place of those that would hold otherwise. */
  rate_limit_override: ColumnType<number | null, number | null | undefined, number | null>;
  metadata: Json<Readonly<Record<string, unknown>>>;
  environment: Optional<string>;
  /** Addresses and ranges; null: from anywhere. */
  allowed_ips: Optional<string[]>;
  created_by: string;
  created_at: Date;
  updated_at: Date;
  expires_at: Date | null;
  /** When the key was given so many days instead of a date: what its successor gets too. */
  lifetime_days: Optional<number>;
  /** When it was rotated. From its `expires_at` on it counts as revoked. */
  deprecated_at: Optional<Date>;
  /** The key that took its place. No reference: that one may be gone before. */
  replaced_by: Optional<string>;
  revoked_at: ColumnType<Date | null, null | undefined, Date>;
  /** When it was announced that the key will expire. */
  expiring_noticed_at: Optional<Date>;
  last_used_at: ColumnType<Date | null, null | undefined, Date>;
}

export interface RequestLogTable {
  request_id: string;
  tenant_id: string;
  started_at: Date;
  duration_ms: number;
  method: string;
  path: string;
  query: string;
  status: number;
  error_code: string | null;
  rate_limited: boolean;
  auth_failed: boolean;
  gateway_id: string | null;
  endpoint_id: string | null;
  key_id: string | null;
  client_ip: string;
  user_agent: string | null;
  request_bytes: number;
  response_bytes: number;
  service: string | null;
  target: string | null;
  upstream_ms: number | null;
  request_headers: OptionalJson<readonly string[]>;
}
