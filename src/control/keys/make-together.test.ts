// Keys that are made at the same moment share a transaction, and nothing else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../../test/harness/api.ts';
import { createTestControl, keyPrincipal, operatorPrincipal } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';

forEachDatabase('keys that are made at once', (open) => {
  test('leave an entry each, of their own caller and call, in a chain that holds', async () => {
    const control = createTestControl(await open());
    const callers = [
      operatorPrincipal(),
      keyPrincipal(['*'], { keyId: 'key_a' }),
      keyPrincipal(['*'], { keyId: 'key_b' }),
    ];
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        control.call('POST', '/api/v1/keys', { as: callers[i % 3] ?? null, body: { name: `k${i}` } }),
      ),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    assert.deepEqual(
      answers.map(({ body }) => body.data.name),
      answers.map((_, i) => `k${i}`),
    );
    assert.equal(new Set(answers.map(({ body }) => body.data.apiKey)).size, 60);

    const entries: Json[] = (await control.call('GET', '/api/v1/audit-logs?action=key.create&pageSize=100')).body.data;
    assert.equal(entries.length, 60);
    assert.equal(new Set(entries.map(({ requestId }) => requestId)).size, 60);
    for (const [i, { body }] of answers.entries()) {
      const entry = entries.find(({ resource }) => resource.id === body.data.id);
      assert.equal(entry?.actor.id, callers[i % 3]?.operatorId ?? callers[i % 3]?.keyId, `the entry of k${i}`);
    }
    const { faults } = (await control.call('GET', '/api/v1/audit-logs/verify')).body.data;
    assert.deepEqual(faults, []);
  });

  test('are refused alone: the others are made', async () => {
    const control = createTestControl(await open(), { undefinedScopes: 'refuse' });
    const scopesOf = (i: number): string[] => (i === 7 ? ['nobody:asked'] : ['keys:read']);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        control.call('POST', '/api/v1/keys', { body: { name: `k${i}`, scopes: scopesOf(i) } }),
      ),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      answers.map((_, i) => (i === 7 ? 400 : 201)),
    );
    assert.equal((await control.call('GET', '/api/v1/keys')).body.meta.total, 19);
  });

  test('in two tenants stay each in its own', async () => {
    const control = createTestControl(await open());
    const made = await control.call('POST', '/api/v1/tenants', { body: { name: 'Other', slug: 'other' } });
    const tenants = [operatorPrincipal(), operatorPrincipal({ tenantId: made.body.data.id })];
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        control.call('POST', '/api/v1/keys', { as: tenants[i % 2] ?? null, body: { name: `k${i % 2}` } }),
      ),
    );
    for (const [i, as] of tenants.entries()) {
      const { data } = (await control.call('GET', '/api/v1/keys', { as })).body;
      assert.deepEqual(
        data.map(({ name }: Json) => name),
        Array.from({ length: 10 }, () => `k${i}`),
      );
    }
  });

  test('are made once each, however often the call is repeated', async () => {
    const control = createTestControl(await open());
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        control.call('POST', '/api/v1/keys', { body: { name: `k${i}` }, headers: { 'idempotency-key': `call-${i}` } }),
      ),
    );
    const again = await control.call('POST', '/api/v1/keys', {
      body: { name: 'k5' },
      headers: { 'idempotency-key': 'call-5' },
    });
    assert.deepEqual([again.headers['idempotent-replayed'], again.text], ['true', answers[5]?.text]);
    assert.equal((await control.call('GET', '/api/v1/keys')).body.meta.total, 20);
  });
});
