// The second wall between tenants: row-level security on every table. Whoever works as the tenant role sees the rows of the tenant that
// the transaction names, and none when it names none; the owner of the tables, for whom the program works in the background, sees all.
//
// The walls are checked at every start and raised where they are missing, rather than made once by a migration: a restored dump may have
// lost them, together with the role.

import { sql, type Kysely } from 'kysely';
import type { Database } from './schema.ts';
import { ensureTenantRole, TENANT_ROLE } from './tenant-role.ts';

/** Of this program's advisory locks, the one for raising walls. */
const WALL_LOCK = 7_301_002;
/** The setting that names the tenant, for one transaction. */
export const TENANT_SETTING = 'tollgate.tenant_id';
const TENANT_POLICY = 'tollgate_tenant';
const OWNER_POLICY = 'tollgate_owner';

type Privilege = 'delete' | 'insert' | 'select' | 'update';
const PRIVILEGES: readonly Privilege[] = ['delete', 'insert', 'select', 'update'];

interface Wall {
  /** The column that says whose a row is; undefined for what belongs to no tenant. */
  readonly by: 'tenant_id' | 'id' | undefined;
  /** What may be done as a tenant, in alphabetical order. */
  readonly grants: readonly Privilege[];
}

const OWN: Wall = { by: 'tenant_id', grants: PRIVILEGES };

/** Every table. One that is forgotten here does not compile. */
const WALLS: Readonly<Record<keyof Database, Wall>> = {
  installation: { by: undefined, grants: ['select', 'update'] },
  tenants: { by: 'id', grants: ['select'] },
  roles: OWN,
  operators: OWN,
  operator_passwords: OWN,
  clients: OWN,
  keys: OWN,
  gateways: OWN,
  endpoints: OWN,
  // What was once on the air, and what once was called, no tenant changes.
  revisions: { by: 'tenant_id', grants: ['insert', 'select'] },
  audit_heads: { by: 'tenant_id', grants: ['insert', 'select', 'update'] },
  audit_logs: { by: 'tenant_id', grants: ['insert', 'select'] },
  events: { by: 'tenant_id', grants: ['insert', 'select'] },
  idempotency_keys: OWN,
  request_logs: { by: 'tenant_id', grants: ['select'] },
  rate_limit_tiers: { by: undefined, grants: ['select'] },
  limit_counters: { by: undefined, grants: [] },
  quota_notices: { by: 'tenant_id', grants: ['insert', 'select'] },
};

interface TableState {
  /** The tenant role. */
  readonly role: string;
  readonly name: string;
  /** The table whose partition it is, or itself. */
  readonly parent: string;
  readonly isForced: boolean;
  readonly owner: string;
  /** `<policy> to <role>`, in alphabetical order. */
  readonly policies: readonly string[];
  readonly grants: readonly string[];
}

/** Finds or makes the role, then raises what is missing. Any number of nodes may do so at once. Throws TenantRoleUnfit. */
export async function buildTenantWalls<Schema>(db: Kysely<Schema>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${WALL_LOCK})`.execute(trx);
    await ensureTenantRole(trx);
    await raiseWalls(trx);
  });
}

/** Locks only the tables at which something is missing: usually none. Partitions are reached through their parent, so they need no grants. */
export async function raiseWalls<Schema>(trx: Kysely<Schema>): Promise<void> {
  for (const table of await readTables(trx)) {
    const wall = wallOf(table.parent);
    if (wall === undefined) continue;
    if (wall.by !== undefined) await enforce(trx, table, wall.by);
    await grant(trx, table, table.name === table.parent ? wall.grants : []);
  }
}

async function readTables<Schema>(db: Kysely<Schema>): Promise<readonly TableState[]> {
  const { rows } = await sql<TableState>`
    select ${TENANT_ROLE} as role, found.relname::text as name, coalesce(parent.relname, found.relname)::text as parent,
      found.relrowsecurity and found.relforcerowsecurity as "isForced", pg_get_userbyid(found.relowner)::text as owner,
      array(
        select polname || ' to ' || pg_get_userbyid(polroles[1]) from pg_policy where polrelid = found.oid order by polname
      ) as policies,
      array(
        select privilege from unnest(${PRIVILEGES}::text[]) as privilege where has_table_privilege(${TENANT_ROLE}, found.oid, privilege)
      ) as grants
    from pg_class as found
    left join pg_inherits as inherits on inherits.inhrelid = found.oid and found.relispartition
    left join pg_class as parent on parent.oid = inherits.inhparent
    where found.relnamespace = current_schema()::regnamespace and found.relkind in ('r', 'p')
    order by found.relname`.execute(db);
  return rows;
}

/** Forced, so that the owner too passes by a policy only, and by no default. */
async function enforce<Schema>(trx: Kysely<Schema>, table: TableState, by: string): Promise<void> {
  const { role, owner, isForced, policies } = table;
  const name = sql.table(table.name);
  if (policies.join() !== [`${OWNER_POLICY} to ${owner}`, `${TENANT_POLICY} to ${role}`].join()) {
    const isTenants = sql`${sql.id(by)} = current_setting(${sql.lit(TENANT_SETTING)}, true)`;
    await sql`drop policy if exists ${sql.id(TENANT_POLICY)} on ${name}`.execute(trx);
    await sql`drop policy if exists ${sql.id(OWNER_POLICY)} on ${name}`.execute(trx);
    await sql`create policy ${sql.id(OWNER_POLICY)} on ${name} to ${sql.id(owner)} using (true)`.execute(trx);
    await sql`create policy ${sql.id(TENANT_POLICY)} on ${name} to ${sql.id(role)} using (${isTenants})`.execute(trx);
  }
  if (!isForced) {
    await sql`alter table ${name} enable row level security, force row level security`.execute(trx);
  }
}

async function grant<Schema>(trx: Kysely<Schema>, table: TableState, grants: readonly Privilege[]): Promise<void> {
  if (table.grants.join() === grants.join()) return;
  const name = sql.table(table.name);
  await sql`revoke all on ${name} from ${sql.id(table.role)}`.execute(trx);
  if (grants.length === 0) return;
  await sql`grant ${sql.raw(grants.join(', '))} on ${name} to ${sql.id(table.role)}`.execute(trx);
}

function wallOf(table: string): Wall | undefined {
  return Object.entries(WALLS).find(([name]) => name === table)?.[1];
}
