// The data plane's snapshot, from the deployed revisions.

import { sql, type Kysely } from 'kysely';
import type { GatewayStatus } from '../../db/publishing-schema.ts';
import type { Database } from '../../db/schema.ts';
import { checkSchema, isSnapshot, SnapshotConfig, type GatewayConfig, type PathRules } from '../../gateway/snapshot.ts';
import { withLiveLimits, type LiveLimits } from './live-limits.ts';
import { toStatusPolicies } from './status-policies.ts';

interface Stored extends LiveLimits {
  readonly config: unknown;
  readonly status: GatewayStatus;
  /** Milliseconds since the epoch. */
  readonly since: number | null;
}

/**
 * All that is on the air, the management API first; of a tenant that is suspended or deleted, nothing. Throws when a stored revision is not
 * what this program can read.
 */
export async function loadSnapshot(
  db: Kysely<Database>,
  management: GatewayConfig,
  paths?: PathRules,
): Promise<SnapshotConfig> {
  // One statement, so that the version and what it counts are of one moment.
  const { rows } = await sql<{ version: number; gateways: Stored[] }>`
    select version, (
      select coalesce(jsonb_agg(jsonb_build_object(
        'config', revisions.config,
        'status', gateways.status,
        'since', floor(extract(epoch from gateways.status_since) * 1000),
        'timeZone', tenants.time_zone,
        'overrides', (
          select jsonb_object_agg(endpoints.id, endpoints.limit_override) from endpoints
          where endpoints.gateway_id = gateways.id and endpoints.limit_override is not null
        )
      ) order by gateways.id), '[]')
      from gateways join revisions on revisions.id = gateways.deployed_revision_id
      join tenants on tenants.id = gateways.tenant_id
      where gateways.status <> 'inactive' and tenants.status = 'active' and tenants.deleted_at is null
    ) as gateways
    from installation`.execute(db);
  const stored = rows[0];
  if (stored === undefined) throw new Error('the table installation has no row');
  const gateways = [management, ...stored.gateways.map(({ config }) => config)];
  const snapshot: unknown = { version: stored.version, ...(paths !== undefined && { paths }), gateways };
  if (isSnapshot(snapshot)) {
    return {
      ...snapshot,
      gateways: snapshot.gateways.map((gateway, i) => {
        const live = stored.gateways[i - 1];
        return live === undefined ? gateway : withStatus(withLiveLimits(gateway, live), live);
      }),
    };
  }
  const [fault] = checkSchema(SnapshotConfig, snapshot, '');
  throw new Error(`a deployed revision cannot be read: ${fault?.path ?? ''} ${fault?.message ?? ''}`);
}

/** A status holds at once, on whatever revision is live. */
function withStatus(gateway: GatewayConfig, { status, since }: Stored): GatewayConfig {
  const added = toStatusPolicies(status, since);
  return added.length === 0 ? gateway : { ...gateway, policies: [...(gateway.policies ?? []), ...added] };
}
