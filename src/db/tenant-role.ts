// The database role in which a tenant's work is done. It owns nothing and cannot pass by row-level security. Roles belong to the whole
// cluster and travel in no dump of a database: this one is named after its database, and found or made at every start.

import { sql, type Kysely, type RawBuilder } from 'kysely';
import { isForbidden } from './failure.ts';

/** The role's name in SQL: told apart between the databases of a cluster, and within PostgreSQL's 63 bytes. */
export const TENANT_ROLE: RawBuilder<string> = sql<string>`('tollgate_tenant_' ||
  case when octet_length(current_database()) <= 47 then current_database() else md5(current_database()) end)`;

/** The role is not there and may not be made, or is not fit to be a wall; the message is for the person who started the program. */
export class TenantRoleUnfit extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'TenantRoleUnfit';
  }
}

interface RoleState {
  readonly role: string;
  /** Who logged in: whose membership counts when the role is entered. */
  readonly user: string;
  readonly exists: boolean;
  /** Policies do not bind it. */
  readonly passesBy: boolean;
  /** It can do what the owner of the tables can. */
  readonly isOwner: boolean;
  readonly mayEnter: boolean;
  readonly schema: string;
  /** Everybody may use the schema `public`, unless somebody thought better of it. */
  readonly mayUseSchema: boolean;
  /** PostgreSQL 16 and later tell membership from the right to enter (SET). */
  readonly hasSetOption: boolean;
}

/** The caller holds a lock, so that of many starts at once one makes the role. */
export async function ensureTenantRole<Schema>(trx: Kysely<Schema>): Promise<void> {
  const before = await readState(trx);
  try {
    if (!before.exists) await sql`create role ${sql.id(before.role)} nologin noinherit`.execute(trx);
    const made = before.exists ? before : await readState(trx);
    if (!made.mayEnter) await grantEntry(trx, made);
    if (!made.mayUseSchema)
      await sql`grant usage on schema ${sql.id(made.schema)} to ${sql.id(made.role)}`.execute(trx);
  } catch (cause) {
    throw isForbidden(cause) ? new TenantRoleUnfit(toRemedy(before), cause) : cause;
  }
  checkFit(await readState(trx));
}

async function readState<Schema>(db: Kysely<Schema>): Promise<RoleState> {
  const { rows } = await sql<RoleState>`
    select named.role, session_user::text as "user", found.oid is not null as exists,
      coalesce(found.rolsuper or found.rolbypassrls, false) as "passesBy",
      coalesce(pg_has_role(found.oid, current_user, 'member'), false) as "isOwner",
      coalesce(pg_has_role(session_user, found.oid, case when has_set_option then 'set' else 'member' end), false) as "mayEnter",
      current_schema()::text as schema, coalesce(has_schema_privilege(found.oid, current_schema(), 'usage'), false) as "mayUseSchema",
      has_set_option as "hasSetOption"
    from (select ${TENANT_ROLE} as role, current_setting('server_version_num')::int >= 160000 as has_set_option) as named
    left join pg_roles as found on found.rolname = named.role`.execute(db);
  const [state] = rows;
  if (state === undefined) throw new Error('the database does not tell its name');
  return state;
}

/** Entered, but not inherited: what the program does for itself is not done as a tenant. */
async function grantEntry<Schema>(trx: Kysely<Schema>, { role, user, hasSetOption }: RoleState): Promise<void> {
  const options = hasSetOption ? sql` with inherit false, set true` : sql``;
  await sql`grant ${sql.id(role)} to ${sql.id(user)}${options}`.execute(trx);
}

function checkFit(state: RoleState): void {
  const { role, user } = state;
  if (!state.mayEnter) throw new TenantRoleUnfit(toRemedy(state));
  if (!state.passesBy && !state.isOwner) return;
  throw new TenantRoleUnfit(
    `the role "${role}" walls tenants in and must not be able to see past row-level security: as an administrator, run ` +
      `alter role "${role}" nosuperuser nobypassrls, and take from it every membership in "${user}"`,
  );
}

function toRemedy({ role, user, schema, exists, mayEnter }: RoleState): string {
  if (mayEnter)
    return `the role "${role}" may not use the schema "${schema}": as an administrator, run grant usage on schema "${schema}" to "${role}"`;
  const prepare = exists ? '' : `create role "${role}" nologin; `;
  return (
    `the user "${user}" may not ${exists ? 'enter' : 'make'} the role "${role}", which walls tenants in: as an administrator, run ` +
    `alter role "${user}" createrole, or prepare the role with ${prepare}grant "${role}" to "${user}"`
  );
}
