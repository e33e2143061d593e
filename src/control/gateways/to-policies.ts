// What is said of a gateway and its endpoints, as the policies that hold it. Pure.

import type { Cors, SecurityHeaders } from '../../db/publishing-schema.ts';
import type { PolicyUse } from '../../gateway/snapshot.ts';
import { toLimits } from '../rate-limit.ts';
import type { GatewayFields } from './gateway-columns.ts';
import type { MeantEndpoint } from './to-config.ts';
import { decidingHeaders } from './traffic-config.ts';

export const DEFAULT_VERSION_HEADER = 'X-API-Version';

/** Of the whole gateway: guards, which also meet what no endpoint takes, and what comes last before the service. */
export function toGatewayPolicies(gateway: GatewayFields): PolicyUse[] {
  const { cors, versioning, maxConcurrentRequests: requests } = gateway;
  const { headers, maxBodyBytes } = gateway.securitySettings;
  const policies: PolicyUse[] = [];
  // A cache must not give those who ask for one version the answers of another.
  if (versioning !== undefined && versioning.by !== 'path') {
    const field = versioning.by === 'accept' ? 'Accept' : (versioning.name ?? DEFAULT_VERSION_HEADER);
    policies.push({ name: 'vary', config: { fields: [field] } });
  }
  if (headers !== undefined) policies.push({ name: 'security-headers', config: { fields: toFields(headers) } });
  if (cors !== undefined) policies.push({ name: 'cors', config: toCorsConfig(cors) });
  if (maxBodyBytes !== undefined) policies.push({ name: 'body-limit', config: { maxBytes: maxBodyBytes } });
  if (requests !== undefined) policies.push({ name: 'concurrency', config: { requests } });
  return policies;
}

export function toEndpointPolicies(gateway: GatewayFields, endpoint: MeantEndpoint, needsKey: boolean): PolicyUse[] {
  const { id, requiredScopes, rateLimit } = endpoint;
  const policies = toDeprecation(endpoint);
  const fields = decidingHeaders(endpoint);
  if (fields.length > 0) policies.push({ name: 'vary', config: { fields } });
  if (needsKey) policies.push({ name: 'api-key', config: {} }, { name: 'client', config: {} });
  if (requiredScopes.length > 0) policies.push({ name: 'scopes', config: { required: requiredScopes } });
  const own = rateLimit === undefined ? null : { id, windows: toLimits(rateLimit) };
  // Callers without a key are limited by their address.
  if (gateway.securitySettings.rateLimitingEnabled) policies.push({ name: 'rate-limit', config: { endpoint: own } });
  return policies;
}

function toDeprecation({ deprecationDate, deprecatedSince, sunsetDate, ...endpoint }: MeantEndpoint): PolicyUse[] {
  const deprecatedAtMs = toMs(deprecationDate) ?? deprecatedSince?.getTime() ?? null;
  const sunsetAtMs = toMs(sunsetDate);
  const { successor = null, goneAfterSunset: isGoneAfterSunset } = endpoint;
  if (deprecatedAtMs === null && sunsetAtMs === null && successor === null) return [];
  return [{ name: 'deprecation', config: { deprecatedAtMs, sunsetAtMs, successor, isGoneAfterSunset } }];
}

function toMs(time: string | undefined): number | null {
  return time === undefined ? null : Date.parse(time);
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const EXPOSED = [
  'X-Request-Id',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Deprecation',
  'Sunset',
  'Link',
];

function toCorsConfig(cors: Cors) {
  return {
    allowOrigins: cors.allowOrigins,
    allowMethods: cors.allowMethods ?? METHODS,
    allowHeaders: cors.allowHeaders ?? ['*'],
    exposeHeaders: cors.exposeHeaders ?? EXPOSED,
    allowCredentials: cors.allowCredentials ?? false,
    maxAgeSeconds: cors.maxAgeSeconds ?? 600,
  };
}

const FIELD_NAMES: readonly (readonly [keyof SecurityHeaders, string])[] = [
  ['strictTransportSecurity', 'strict-transport-security'],
  ['contentTypeOptions', 'x-content-type-options'],
  ['frameOptions', 'x-frame-options'],
  ['referrerPolicy', 'referrer-policy'],
  ['contentSecurityPolicy', 'content-security-policy'],
  ['permissionsPolicy', 'permissions-policy'],
  ['crossOriginOpenerPolicy', 'cross-origin-opener-policy'],
  ['crossOriginResourcePolicy', 'cross-origin-resource-policy'],
];

function toFields(headers: SecurityHeaders) {
  return FIELD_NAMES.flatMap(([key, name]) => {
    const value = headers[key];
    return value === undefined ? [] : [{ name, value, isForTlsOnly: key === 'strictTransportSecurity' }];
  });
}
