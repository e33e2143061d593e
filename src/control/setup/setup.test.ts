import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, SETUP_TOKEN } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { hashKeyText, parsePublicId } from '../../lib/key-text.ts';
import { loadCredential } from '../publish/credentials.ts';

const ADMIN = { name: 'Super Admin', email: 'admin@example.com' };
const nobody = { as: null };

forEachDatabase('the setup', (open) => {
  test('makes the first operator and its key, as the guide calls it', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const answer = await control.call('POST', '/setup', { ...nobody, body: ADMIN });
    assert.equal(answer.status, 201);
    const { id, keyId, apiKey, ...rest } = answer.body;
    assert.deepEqual(rest, { ...ADMIN, role: 'SUPER_ADMIN', key: apiKey });
    assert.match(id, /^usr_/);
    assert.match(keyId, /^key_/);
    assert.equal(answer.headers['cache-control'], 'no-store');

    const credential = await loadCredential(db, parsePublicId(apiKey) ?? '', {});
    assert.deepEqual(credential?.hash, new Uint8Array(hashKeyText(apiKey, control.services.hmacSecret)));
    assert.deepEqual(credential?.principal, {
      kind: 'operator',
      tenantId: 'ten_00000000000000000000000000',
      keyId,
      operatorId: id,
      name: 'Super Admin',
      scopes: ['*'],
      limits: [
        { window: 'minute', limit: 600 },
        { window: 'hour', limit: 50_000 },
        { window: 'day', limit: 500_000 },
      ],
    });
  });

  test('answers in the envelope below /api/v1 and /api', async () => {
    for (const path of ['/api/v1/setup', '/api/setup']) {
      const control = createTestControl(await open());
      const answer = await control.call('POST', path, { ...nobody, body: ADMIN });
      assert.equal(answer.status, 201);
      assert.equal(answer.body.success, true);
      assert.equal(answer.body.data.role, 'SUPER_ADMIN');
    }
  });

  test('can be done once', async () => {
    const control = createTestControl(await open());
    await control.call('POST', '/setup', { ...nobody, body: ADMIN });
    const again = await control.call('POST', '/setup', { ...nobody, body: ADMIN });
    assert.deepEqual([again.status, again.body.code], [409, 'already_set_up']);
  });

  test('lets one of many at once through, and leaves nothing of the others', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        control.call('POST', '/setup', { ...nobody, body: { ...ADMIN, email: `a${i}@b.c` } }),
      ),
    );
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 409, 409, 409, 409, 409, 409, 409]);
    const operators = await db.selectFrom('operators').select('id').execute();
    const keys = await db.selectFrom('keys').select('operator_id').execute();
    assert.deepEqual(keys, [{ operator_id: operators[0]?.id }]);
    assert.equal(operators.length, 1);
  });

  const places = [
    { address: '127.0.0.1', forwarded: false, status: 201 },
    { address: '127.9.8.7', forwarded: false, status: 201 },
    { address: '::1', forwarded: false, status: 201 },
    { address: '::ffff:127.0.0.1', forwarded: false, status: 201 },
    { address: '127.0.0.1', forwarded: true, status: 403 },
    { address: '10.0.0.1', forwarded: false, status: 403 },
    { address: '::ffff:10.0.0.1', forwarded: false, status: 403 },
    { address: '127.0.0.1.example.com', forwarded: false, status: 403 },
    { address: '', forwarded: false, status: 403 },
  ];
  for (const { address, forwarded, status } of places) {
    test(`from ${address || 'nowhere'}${forwarded ? ', forwarded,' : ''} without the token gives ${status}`, async () => {
      const control = createTestControl(await open());
      const answer = await control.call('POST', '/setup', { ...nobody, body: ADMIN, address, forwarded });
      assert.equal(answer.status, status);
      if (status === 403) assert.equal(answer.body.code, 'setup_token_required');
    });
  }

  test('from elsewhere asks for the token, and takes no other', async () => {
    const control = createTestControl(await open());
    const from = { ...nobody, body: ADMIN, address: '203.0.113.9' };
    for (const token of ['', 'wrong', `${SETUP_TOKEN} `.padStart(3), SETUP_TOKEN.slice(1)]) {
      const refused = await control.call('POST', '/setup', { ...from, headers: { 'x-setup-token': `x${token}` } });
      assert.equal(refused.status, 403);
    }
    const answer = await control.call('POST', '/setup', { ...from, headers: { 'x-setup-token': SETUP_TOKEN } });
    assert.equal(answer.status, 201);
  });

  test('names every fault of its body', async () => {
    const control = createTestControl(await open());
    const answer = await control.call('POST', '/setup', { ...nobody, body: { name: '', mail: 'x', email: 'nobody' } });
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.body.errors, [
      { path: 'body.mail', message: 'is not known here; did you mean email?' },
      { path: 'body.name', message: 'must not be empty' },
      { path: 'body.email', message: 'must be an e-mail address such as ada@example.com' },
    ]);
  });
});
