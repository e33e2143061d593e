import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, NOW_MS, type Answered, type TestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { forgeKeyText } from '../../../test/harness/forged-key.ts';
import { digestOf } from '../../lib/foreign-key-text.ts';
import { newKeyText, parsePublicId } from '../../lib/key-text.ts';
import { pepperIdOf } from '../../lib/pepper.ts';

async function make(control: TestControl, body: object): Promise<{ id: string; apiKey: string }> {
  return (await control.call('POST', '/api/v1/keys', { body: { name: 'a', ...body } })).body.data;
}

function validate(control: TestControl, key: string, scopes?: string[]): Promise<Answered> {
  return control.call('POST', '/validate', { as: null, body: { key, ...(scopes !== undefined && { scopes }) } });
}

forEachDatabase('POST /validate', (open) => {
  test('answers as the guide shows it, without any credential', async () => {
    const control = createTestControl(await open());
    const { id, apiKey } = await make(control, { owner: 'Example Service', scopes: ['read:data', 'write:data'] });
    const valid = await validate(control, apiKey, ['read:data']);
    assert.equal(valid.status, 200);
    assert.deepEqual(valid.body, {
      isValid: true,
      keyId: id,
      scopes: ['read:data', 'write:data'],
      owner: 'Example Service',
    });
    assert.deepEqual((await validate(control, apiKey, ['read:data', 'admin:data'])).body, {
      isValid: false,
      reason: 'insufficient_scope',
      requiredScopes: ['read:data', 'admin:data'],
      providedScopes: ['read:data', 'write:data'],
    });
    assert.deepEqual((await validate(control, 'km_p8tb7y54nmx982jfvs37')).body, {
      isValid: false,
      reason: 'invalid_key',
    });
    const envelope = await control.call('POST', '/api/v1/validate', { as: null, body: { key: apiKey } });
    assert.deepEqual(
      [envelope.status, envelope.body.success, envelope.body.data.isValid, envelope.body.data.keyId],
      [200, true, true, id],
    );
  });

  test('understands both spellings of a scope, and wildcards', async () => {
    const control = createTestControl(await open());
    const { apiKey } = await make(control, { scopes: ['orders:write', 'shop:*'] });
    const cases: [string[], boolean][] = [
      [['orders:write'], true],
      [['write:orders', 'create:orders', 'orders:delete'], true],
      [['read:orders'], false],
      [['shop:anything', 'read:shop'], true],
      [['*'], false],
      [[], true],
    ];
    for (const [scopes, isValid] of cases)
      assert.equal((await validate(control, apiKey, scopes)).body.isValid, isValid, scopes.join(' '));
  });

  test('tells why a key that proves itself does not work', async () => {
    const control = createTestControl(await open());
    const revoked = await make(control, {});
    await control.call('DELETE', `/api/v1/keys/${revoked.id}`);
    const expired = await make(control, { expiresAt: '2026-03-01T12:00:01Z' });
    const rotated = await make(control, {});
    await control.call('POST', `/api/v1/keys/${rotated.id}/rotate`, { body: { deprecationPeriod: 1 } });
    assert.equal((await validate(control, rotated.apiKey)).body.isValid, true);
    control.setNow(NOW_MS + 1_000);
    const cases: [string, string][] = [
      [revoked.apiKey, 'revoked'],
      [expired.apiKey, 'expired'],
      [rotated.apiKey, 'revoked'],
    ];
    for (const [key, reason] of cases)
      assert.deepEqual((await validate(control, key)).body, { isValid: false, reason });
  });

  test('tells of a key whose client was stopped what the guide has words for', async () => {
    const control = createTestControl(await open());
    const client = { name: 'c', contactEmail: 'a@b.c', scopes: ['leads:read'], expiresAt: '2026-03-02' };
    const { id: clientId } = (await control.call('POST', '/api/v1/api-clients', { body: client })).body.data;
    const { apiKey } = await make(control, { clientId, scopes: ['leads:read'] });
    assert.equal((await validate(control, apiKey, ['leads:read'])).body.isValid, true);
    control.setNow(Date.parse('2026-03-02'));
    assert.equal((await validate(control, apiKey)).body.reason, 'expired');
    control.setNow(NOW_MS);
    await control.call('PUT', `/api/v1/api-clients/${clientId}`, { body: { status: 'suspended' } });
    assert.equal((await validate(control, apiKey)).body.reason, 'revoked');
  });

  test('tells nothing of a key to one who does not bring all of it', async () => {
    const control = createTestControl(await open());
    const { id, apiKey } = await make(control, { owner: 'secret owner' });
    await control.call('DELETE', `/api/v1/keys/${id}`);
    const publicId = parsePublicId(apiKey) ?? '';
    const texts = [
      newKeyText('tg_test').text,
      apiKey.slice(0, -1),
      `${apiKey.slice(0, -1)}${apiKey.endsWith('0') ? '1' : '0'}`,
      `tg_test_${publicId}`,
      publicId,
      'x',
      '\u{1F511}'.repeat(20),
      'x'.repeat(512),
    ];
    for (const text of texts)
      assert.deepEqual((await validate(control, text)).body, { isValid: false, reason: 'invalid_key' }, text);
  });

  test('knows a key from elsewhere', async () => {
    const control = createTestControl(await open());
    const text = 'ins_abc123_xxxxxxxxxxxxxxxxxxxxxx';
    const keys = [{ hash: digestOf(text), keyPrefix: 'ins_abc1', name: 'a', scopes: ['leads:read'] }];
    const made = await control.call('POST', '/api/v1/keys/import', { body: { keys } });
    assert.deepEqual((await validate(control, text, ['leads:read'])).body, {
      isValid: true,
      keyId: made.body.data.keys[0].id,
      scopes: ['leads:read'],
    });
    assert.equal((await validate(control, `${text}x`)).body.reason, 'invalid_key');
  });

  test("shows of an operator's key what the role leaves of it", async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const setup = await control.call('POST', '/setup', { as: null, body: { name: 'A', email: 'a@b.c' } });
    assert.deepEqual((await validate(control, setup.body.apiKey, ['keys:read'])).body.scopes, ['*']);
    await db.updateTable('operators').set({ role: 'NOBODY' }).execute();
    const answer = await validate(control, setup.body.apiKey, ['keys:read']);
    assert.deepEqual([answer.body.reason, answer.body.providedScopes], ['insufficient_scope', []]);
  });

  test('proves a key under the previous pepper, and none under a third', async () => {
    const { db } = await open();
    const before = createTestControl({ db });
    const { apiKey } = await make(before, {});
    const old = before.services.hmacSecret;
    const during = createTestControl({ db }, { hmacSecret: 'the new pepper', previousHmacSecret: old });
    assert.equal((await validate(during, apiKey)).body.isValid, true);
    const after = createTestControl({ db }, { hmacSecret: 'the new pepper' });
    assert.equal((await validate(after, apiKey)).body.reason, 'invalid_key');
    assert.equal(
      (await db.selectFrom('keys').select('pepper').executeTakeFirstOrThrow()).pepper,
      pepperIdOf(old),
      'asking changes nothing',
    );
  });

  test('asks the database the same of a key that nobody knows as of a wrong one, and gets as much', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { apiKey } = await make(control, { scopes: ['orders:read'], owner: 'somebody' });
    const wrong = forgeKeyText(parsePublicId(apiKey) ?? '');
    const unknown = newKeyText('tg_test').text;
    const seen = await Promise.all([wrong, unknown].map((text) => watchQueries(control, text)));
    assert.deepEqual(seen[0], seen[1]);
    assert.equal(seen[0]?.queries, 1);
  });

  test('is refused with the path of what is wrong', async () => {
    const control = createTestControl(await open());
    const cases: [unknown, string[]][] = [
      [{}, ['body.key']],
      [{ key: '' }, ['body.key']],
      [{ key: 7, scopes: 'a:b' }, ['body.key', 'body.scopes']],
      [{ key: 'x'.repeat(513), scopes: ['NO'] }, ['body.key', 'body.scopes[0]']],
      [{ key: 'x', apiKey: 'y' }, ['body.apiKey']],
    ];
    for (const [body, paths] of cases) {
      const answer = await control.call('POST', '/validate', { as: null, body });
      assert.equal(answer.status, 400);
      assert.deepEqual(answer.body.errors.map(({ path }: { path: string }) => path).toSorted(), paths.toSorted());
    }
  });
});

/** How many queries a validation makes, and how many bytes of rows they answer with. */
async function watchQueries(control: TestControl, text: string): Promise<{ queries: number; bytes: number }> {
  let queries = 0;
  let bytes = 0;
  const db = control.services.db.withPlugin({
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      queries += 1;
      for (const value of result.rows.flatMap((row) => Object.values(row))) bytes += sizeOf(value);
      return result;
    },
  });
  const watched = createTestControl({ db });
  assert.equal((await validate(watched, text)).body.reason, 'invalid_key');
  return { queries, bytes };
}

function sizeOf(value: unknown): number {
  return value instanceof Uint8Array ? value.length : JSON.stringify(value).length;
}
