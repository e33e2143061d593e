// The rows of gateways, endpoints and revisions.

import type { ColumnType, RawBuilder } from 'kysely';
import type { Json, OptionalJson } from './column-kinds.ts';
import type { RateLimit } from './schema.ts';
import type { CircuitBreaker, LoadBalancingStrategy, ServiceResilience, UpstreamTarget } from './resilience-schema.ts';
import type { EndpointLimits } from './limit-schema.ts';

export interface UpstreamService extends ServiceResilience {
  readonly name: string;
  readonly targets: readonly UpstreamTarget[];
  /** Milliseconds. */
  readonly timeout?: number;
  readonly stripPrefix?: boolean;
}

export interface SecuritySettings {
  readonly authenticationRequired: boolean;
  readonly rateLimitingEnabled: boolean;
  readonly headers?: SecurityHeaders;
  readonly maxBodyBytes?: number;
}

export interface SecurityHeaders {
  readonly strictTransportSecurity?: string;
  readonly contentTypeOptions?: 'nosniff';
  readonly frameOptions?: 'DENY' | 'SAMEORIGIN';
  readonly referrerPolicy?: string;
  readonly contentSecurityPolicy?: string;
  readonly permissionsPolicy?: string;
  readonly crossOriginOpenerPolicy?: string;
  readonly crossOriginResourcePolicy?: string;
}

/** Where the requests of an endpoint go beside its service. */
export interface Traffic {
  readonly split?: {
    readonly service: string;
    readonly weight?: number;
    readonly when?: {
      readonly header?: { readonly name: string; readonly value?: string };
      readonly clientIds?: string[];
    };
  }[];
  readonly mirror?: { readonly service: string; readonly percent: number };
}

/** How callers say which version they mean. */
export interface Versioning {
  readonly by: 'path' | 'header' | 'accept';
  readonly name?: string;
  readonly isDefault?: boolean;
}

export interface Cors {
  readonly allowOrigins: string[];
  readonly allowMethods?: string[];
  readonly allowHeaders?: string[];
  readonly exposeHeaders?: string[];
  readonly allowCredentials?: boolean;
  readonly maxAgeSeconds?: number;
}

export type GatewayStatus = 'active' | 'inactive' | 'maintenance' | 'deprecated';

/** Routes as callers see them, each as `GET /path`. */
export interface RouteChanges {
  readonly added: string[];
  readonly removed: string[];
  readonly changed: string[];
}

export interface GatewayTable {
  id: string;
  tenant_id: string;
  name: string;
  description: string | null;
  base_url: string | null;
  version: string;
  /** Empty for the root. */
  route_prefix: string;
  upstream_services: Json<readonly UpstreamService[]>;
  load_balancing_strategy: LoadBalancingStrategy;
  circuit_breaker: OptionalJson<CircuitBreaker>;
  max_concurrent_requests: number | null;
  health_check_url: string | null;
  security_settings: Json<SecuritySettings>;
  timeout_seconds: number;
  hosts: string[];
  versioning: OptionalJson<Versioning>;
  cors: OptionalJson<Cors>;
  status: GatewayStatus;
  /** When the status became what it is; null for those that never changed it. */
  status_since: Date | null;
  /** What is live; null until the first deploy. */
  deployed_revision_id: ColumnType<string | null, null | undefined, string>;
  created_at: Date;
  updated_at: Date;
}

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';

export interface EndpointTable {
  id: string;
  tenant_id: string;
  gateway_id: string;
  method: HttpMethod;
  path: string;
  operation_id: string | null;
  summary: string | null;
  description: string | null;
  tags: string[];
  service: string | null;
  upstream_url: string | null;
  traffic: OptionalJson<Traffic>;
  timeout_seconds: number | null;
  /** Null: as the gateway says. */
  auth_required: boolean | null;
  required_scopes: string[];
  rate_limit: OptionalJson<RateLimit>;
  /** What holds at once in its place, and in that of what was deployed. */
  limit_override: ColumnType<EndpointLimits | null, undefined, RawBuilder<EndpointLimits> | null>;
  is_active: boolean;
  deprecated: boolean;
  /** When `deprecated` became true. */
  deprecated_since: Date | null;
  deprecation_date: Date | null;
  sunset_date: Date | null;
  successor: string | null;
  gone_after_sunset: boolean;
  created_at: Date;
  updated_at: Date;
}

export interface RevisionTable {
  id: string;
  tenant_id: string;
  gateway_id: string;
  /** Counts from 1 within its gateway. */
  number: number;
  /** The gateway's configuration as the data plane reads it. */
  config: Json<unknown>;
  /** The draft that it was made of, as declarations write it; null for revisions from before there were any. */
  document: OptionalJson<unknown>;
  /** Against what was live before. */
  changes: OptionalJson<RouteChanges>;
  /** The number of the revision that came back with this one. */
  restored: number | null;
  created_by: string;
  created_at: Date;
}
