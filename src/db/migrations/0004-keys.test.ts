import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { hashKeyText, isKeyHash, newKeyText } from '../../lib/key-text.ts';
import { findPepper, proofOfPepper, toPeppers } from '../../lib/pepper.ts';
import { migrate } from '../migrate.ts';
import { DEFAULT_TENANT_ID } from '../schema.ts';
import { first } from './0001-first.ts';
import { MIGRATIONS } from './index.ts';

const PEPPER = 'the pepper of the first release, 32 characters';

forEachDatabase('the migration of keys', (open) => {
  test('finds the pepper of the keys that were there before it', async () => {
    const database = await open('blank');
    const { db } = database;
    await migrate(database, { '0001-first': first });
    await db
      .updateTable('installation')
      .set({ hmac_check: proofOfPepper(PEPPER) })
      .execute();
    const { text, publicId } = newKeyText('tg_live');
    await sql`insert into keys (id, tenant_id, public_id, key_prefix, hash, name, scopes, metadata, created_by, created_at, updated_at)
      values ('key_1', ${DEFAULT_TENANT_ID}, ${publicId}, 'tg_live', ${hashKeyText(text, PEPPER)}, 'old', '{}', '{}', 'x', now(), now())`.execute(
      db,
    );
    await migrate(database, MIGRATIONS);
    const row = await db.selectFrom('keys').select(['hash', 'pepper']).executeTakeFirstOrThrow();
    const pepper = findPepper(toPeppers('the next one', PEPPER), row.pepper);
    assert.ok(pepper !== undefined && isKeyHash(row.hash, hashKeyText(text, pepper.secret)));
  });

  test('asks every later key for its pepper', async () => {
    const { db } = await open();
    await assert.rejects(
      sql`insert into keys (id, tenant_id, public_id, key_prefix, hash, name, scopes, metadata, created_by, created_at, updated_at)
        values ('key_1', ${DEFAULT_TENANT_ID}, 'a', 'b', ${new Uint8Array(48)}, 'n', '{}', '{}', 'x', now(), now())`.execute(
        db,
      ),
      /pepper/,
    );
  });
});
