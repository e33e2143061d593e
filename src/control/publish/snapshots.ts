// The data plane's snapshot, from the deployed revisions.

import { sql, type Kysely } from 'kysely';
import { Value } from 'typebox/value';
import type { Database } from '../../db/schema.ts';
import { SnapshotConfig, type GatewayConfig } from '../../gateway/snapshot.ts';

/** All that is on the air, the management API first; of a tenant that is suspended or deleted, nothing. Throws when a stored revision is not what this program can read. */
export async function loadSnapshot(db: Kysely<Database>, management: GatewayConfig): Promise<SnapshotConfig> {
  // One statement, so that the version and what it counts are of one moment.
  const { rows } = await sql<{ version: number; gateways: unknown[] }>`
    select version, (
      select coalesce(jsonb_agg(revisions.config order by gateways.id), '[]')
      from gateways join revisions on revisions.id = gateways.deployed_revision_id
      join tenants on tenants.id = gateways.tenant_id
      where gateways.status = 'active' and tenants.status = 'active' and tenants.deleted_at is null
    ) as gateways
    from installation`.execute(db);
  const stored = rows[0];
  if (stored === undefined) throw new Error('the table installation has no row');
  const snapshot: unknown = { version: stored.version, gateways: [management, ...stored.gateways] };
  if (!Value.Check(SnapshotConfig, snapshot)) {
    const [fault] = Value.Errors(SnapshotConfig, snapshot);
    throw new Error(`a deployed revision cannot be read: ${fault?.instancePath ?? ''} ${fault?.message ?? ''}`);
  }
  return snapshot;
}
