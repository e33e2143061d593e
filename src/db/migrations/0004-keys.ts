// The whole life of keys: rotation, where and for what they work, keys from elsewhere, and the pepper of each.

import { sql, type Kysely } from 'kysely';

const STATEMENTS = [
  `alter table keys
    add column environment text,
    add column allowed_ips text[],
    add column last_characters text,
    add column lifetime_days integer check (lifetime_days > 0),
    add column deprecated_at timestamptz,
    add column replaced_by text,
    add column expiring_noticed_at timestamptz`,
  // For what time does to keys: notice, end of grace.
  `create index keys_expiry on keys (expires_at) where expires_at is not null and revoked_at is null`,
];

export const keys = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
    // Until now there was one pepper, and its proof stands in the installation: the id is how the proof begins (lib/pepper.ts). As a
    // default, since that takes no time however many keys there are.
    const { rows } = await sql<{ pepper: string | null }>`
      select left(encode(hmac_check, 'hex'), 16) as pepper from installation`.execute(db);
    const pepper = sql.lit(rows[0]?.pepper ?? '');
    await sql`alter table keys add column pepper text not null default ${pepper}`.execute(db);
    await sql`alter table keys alter column pepper drop default`.execute(db);
  },
};
