// Every operation that changes something leaves an entry behind.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Kysely, KyselyPlugin } from 'kysely';
import { CHANGES, CHANGING } from '../../../test/harness/changes.ts';
import { createTestControl, ENCRYPTION_KEY, HMAC_SECRET, SETUP_TOKEN } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import type { Database } from '../../db/schema.ts';
import { parsePublicId } from '../../lib/key-text.ts';

describe('the table of changes', () => {
  test('has every operation that changes something, and no other', () => {
    assert.deepEqual(Object.keys(CHANGES).toSorted(), CHANGING.map(({ id }) => id).toSorted());
  });
});

forEachDatabase('every change', (open) => {
  for (const [id, { prepare, event }] of Object.entries(CHANGES)) {
    test(`leaves an entry in the audit log${event === undefined ? '' : `, and the event ${event}`}: ${id}`, async () => {
      const { db } = await open();
      const statements: string[] = [];
      const control = createTestControl({ db: db.withPlugin(listener(db, statements)) });
      const { method, path, ...options } = await prepare(control);
      statements.length = 0;
      const answer = await control.call(method, path, { ...options, headers: { 'idempotency-key': 'once' } });
      assert.ok(answer.status < 300, answer.text);
      assertLockedLast(statements);

      const entries = await db.selectFrom('audit_logs').selectAll().orderBy('sequence').execute();
      assert.ok(entries.some((entry) => entry.request_id === `req_${control.calls()}`));
      const verdict = await control.call('GET', '/api/v1/audit-logs/verify');
      assert.equal(verdict.body.data.isIntact, true);
      const events = await db.selectFrom('events').selectAll().execute();
      if (event !== undefined) assert.ok(events.some(({ type }) => type === event));
      const kept = await db.selectFrom('idempotency_keys').selectAll().execute();
      assertNoSecrets(JSON.stringify([entries, events, kept.map((row) => latin1(row.answer))]));
    });
  }
});

function assertNoSecrets(text: string): void {
  for (const word of [HMAC_SECRET, ENCRYPTION_KEY, SETUP_TOKEN, 'hush']) assert.ok(!text.includes(word), word);
  for (const candidate of text.match(/\w{20,}/g) ?? []) assert.equal(parsePublicId(candidate), undefined, candidate);
}

/**
 * The end of the chain is the last lock of a transaction: two that took it and others in different orders would wait for each other for ever.
 * What is read after it is fine; so are rows that nobody else waits for.
 */
function assertLockedLast(statements: readonly string[]): void {
  const own = /"(audit_heads|audit_logs|events|idempotency_keys)"/;
  const locks = /^\s*(insert|update|delete|with)|for (update|share)/;
  const first = statements.findIndex((statement) => /"audit_heads".*for update/.test(statement));
  assert.ok(first >= 0);
  const later = statements.slice(first).filter((statement) => locks.test(statement) && !own.test(statement));
  assert.deepEqual(later, [], 'is called after the audit entry was written; recordAudit comes last');
}

/** Hears every statement, raw ones too. */
function listener(db: Kysely<Database>, statements: string[]): KyselyPlugin {
  return {
    transformQuery({ node, queryId }) {
      statements.push(db.getExecutor().compileQuery(node, queryId).sql);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
}

function latin1(octets: Uint8Array | null): string {
  return Buffer.from(octets ?? []).toString('latin1');
}
