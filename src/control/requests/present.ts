// A line of the request log as answers show it: what is not known is left out.

import type { Request } from './schema.ts';
import type { RequestRow } from './store.ts';

export function toRequest(row: RequestRow): Request {
  return {
    id: row.request_id,
    timestamp: row.started_at.toISOString(),
    method: row.method,
    path: row.path,
    ...(row.query !== '' && { query: row.query }),
    status: row.status,
    durationMs: row.duration_ms,
    clientIp: row.client_ip,
    ...(row.user_agent !== null && { userAgent: row.user_agent }),
    ...(row.key_id !== null && { keyId: row.key_id }),
    ...(row.gateway_id !== null && { gatewayId: row.gateway_id }),
    ...(row.endpoint_id !== null && { endpointId: row.endpoint_id }),
    ...(row.service !== null && { service: row.service }),
    ...(row.target !== null && { target: row.target }),
    ...(row.upstream_ms !== null && { upstreamMs: row.upstream_ms }),
    ...(row.error_code !== null && { errorCode: row.error_code }),
    rateLimited: row.rate_limited,
    authFailed: row.auth_failed,
    request: {
      sizeBytes: row.request_bytes,
      ...(row.request_headers !== null && { headers: toHeaders(row.request_headers) }),
    },
    response: { sizeBytes: row.response_bytes },
  };
}

/** Flat (name, value, …) → by name in lower case; several values of one name are joined, as RFC 9110 §5.3 allows. */
function toHeaders(flat: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = (flat[i] ?? '').toLowerCase();
    const before = headers.get(name);
    headers.set(name, before === undefined ? (flat[i + 1] ?? '') : `${before}, ${flat[i + 1] ?? ''}`);
  }
  return Object.fromEntries(headers);
}
