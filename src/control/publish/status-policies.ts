// What a gateway's status does to its requests. Pure.

import type { GatewayStatus } from '../../db/publishing-schema.ts';
import type { PolicyUse } from '../../gateway/snapshot.ts';

const MAINTENANCE_RETRY_SECONDS = 60;

/** `since`: when it became so, in milliseconds since the epoch. A gateway that is inactive is not served at all. */
export function toStatusPolicies(status: GatewayStatus, since: number | null): PolicyUse[] {
  switch (status) {
    case 'active':
    case 'inactive':
      return [];
    case 'maintenance':
      return [{ name: 'maintenance', config: { retryAfterSeconds: MAINTENANCE_RETRY_SECONDS } }];
    case 'deprecated': {
      const config = { deprecatedAtMs: since, sunsetAtMs: null, successor: null, isGoneAfterSunset: false };
      return [{ name: 'deprecation', config }];
    }
  }
}
