import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import { CHANGES, CHANGING } from '../../test/harness/changes.ts';
import { createTestControl, NOW_MS, operatorPrincipal, type TestControl } from '../../test/harness/control.ts';
import { forEachDatabase } from '../../test/harness/databases.ts';
import { operation } from './operation.ts';
import { createValidation } from './validation.ts';

const SHOP = { name: 'shop', upstreamServices: [{ name: 'orders', targets: [{ url: 'http://127.0.0.1:9000' }] }] };

async function makeKey(control: TestControl): Promise<{ path: string; tag: string }> {
  const made = await control.call('POST', '/api/v1/keys', { body: { name: 'x' } });
  return { path: `/api/v1/keys/${made.body.data.id}`, tag: String(made.headers['etag']) };
}

forEachDatabase('a precondition', (open) => {
  for (const { id, method } of CHANGING.filter(({ standards }) => standards.conditions === 'change')) {
    test(`is asked for by every call that replaces or removes: ${id}`, async () => {
      const { db } = await open();
      const control = createTestControl({ db });
      const { path, ...options } = (await CHANGES[id]?.prepare(control)) ?? assert.fail(id);
      const before = await db.selectFrom('audit_logs').select('id').execute();
      const refused = await control.call(method, path, { ...options, headers: { 'if-match': '"stale"' } });
      assert.deepEqual([refused.status, refused.body.code], [412, 'precondition_failed']);
      assert.deepEqual(await db.selectFrom('audit_logs').select('id').execute(), before);

      const shown = await control.call('GET', path);
      const current = shown.status === 200 && typeof shown.headers['etag'] === 'string' ? shown.headers['etag'] : '*';
      const taken = await control.call(method, path, { ...options, headers: { 'if-match': current } });
      assert.ok(taken.status < 300, taken.text);
      const after = await control.call('GET', path);
      if (after.status === 200 && after.headers['etag'] !== undefined)
        assert.equal(taken.headers['etag'], after.headers['etag']);
    });
  }

  test('lets one of two changes of the same state through, never both', async () => {
    const control = createTestControl(await open());
    const gateway = await control.call('POST', '/api/v1/gateways', { body: SHOP });
    const places = [
      await makeKey(control),
      { path: `/api/v1/gateways/${gateway.body.data.id}`, tag: gateway.headers['etag'] },
    ];
    for (const { path, tag } of places) {
      const answers = await Promise.all(
        ['a', 'b', 'c', 'd'].map((name) =>
          control.call('PUT', path, { body: { name }, headers: { 'if-match': String(tag) } }),
        ),
      );
      assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 412, 412, 412]);
      const winner = answers.find(({ status }) => status === 200);
      const shown = await control.call('GET', path);
      assert.deepEqual([shown.body.data, shown.headers['etag']], [winner?.body.data, winner?.headers['etag']]);
    }
  });

  test('sees a change within the same millisecond, and none where nothing changed', async () => {
    const control = createTestControl(await open());
    const { path, tag } = await makeKey(control);
    const changed = await control.call('PUT', path, { body: { name: 'y' } });
    assert.notEqual(changed.headers['etag'], tag);
    const back = await control.call('PUT', path, { body: { name: 'x' } });
    assert.equal(back.headers['etag'], tag);
  });

  test('is not broken by the use of a key, though its tag is another one', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { path, tag } = await makeKey(control);
    await db
      .updateTable('keys')
      .set({ last_used_at: new Date(NOW_MS) })
      .execute();
    const shown = await control.call('GET', path, { headers: { 'if-none-match': tag } });
    assert.deepEqual([shown.status, shown.headers['etag'] === tag], [200, false]);
    const changed = await control.call('PUT', path, { body: { name: 'y' }, headers: { 'if-match': tag } });
    assert.equal(changed.status, 200);
  });

  test('If-None-Match answers 304 without a body while nothing changed, on the compact surface too', async () => {
    const control = createTestControl(await open());
    const { path, tag } = await makeKey(control);
    for (const place of [path, path.replace('/api/v1', '/api'), path.replace('/api/v1', '')]) {
      const same = await control.call('GET', place, { headers: { 'if-none-match': `"other", W/${tag}` } });
      assert.deepEqual([same.status, same.text, same.headers['etag']], [304, '', tag], place);
      assert.equal(same.headers['content-type'], undefined);
    }
    await control.call('PUT', path, { body: { name: 'y' } });
    const changed = await control.call('GET', path, { headers: { 'if-none-match': tag } });
    assert.deepEqual([changed.status, changed.body.data.name], [200, 'y']);
    assert.equal((await control.call('GET', path, { headers: { 'if-match': tag } })).status, 412);
  });

  test('If-None-Match: * makes a gateway only where there is none', async () => {
    const control = createTestControl(await open());
    const headers = { 'if-none-match': '*' };
    assert.equal((await control.call('PUT', '/api/v1/gateways', { body: SHOP, headers })).status, 201);
    assert.equal((await control.call('PUT', '/api/v1/gateways', { body: SHOP, headers })).status, 412);
    const other = { ...SHOP, name: 'other' };
    assert.equal(
      (await control.call('PUT', '/api/v1/gateways', { body: other, headers: { 'if-match': '*' } })).status,
      412,
    );
    assert.equal((await control.call('GET', '/api/v1/gateways')).body.meta.total, 1);
  });

  test('is for nothing when the call is refused anyway: what is not there or not yours is 404', async () => {
    const control = createTestControl(await open());
    const { path, tag } = await makeKey(control);
    for (const ifMatch of ['*', tag, '"stale"']) {
      const headers = { 'if-match': ifMatch };
      const gone = await control.call('PUT', '/api/v1/keys/key_none', { body: { name: 'y' }, headers });
      assert.equal(gone.status, 404);
      const as = operatorPrincipal({ tenantId: 'ten_other' });
      assert.equal((await control.call('DELETE', path, { as, headers })).status, 404);
    }
  });

  test('is refused by name when it is malformed, or sent where nobody looks at it', async () => {
    const control = createTestControl(await open());
    const { path } = await makeKey(control);
    const cases: [method: string, path: string, headers: Record<string, string>, fault: string][] = [
      ['PUT', path, { 'if-match': 'abc' }, 'headers.if-match'],
      ['DELETE', path, { 'if-none-match': '"a' }, 'headers.if-none-match'],
      ['GET', path, { 'if-none-match': '' }, 'headers.if-none-match'],
      ['PUT', path, { 'if-match': `"${'a'.repeat(2_000)}"` }, 'headers.if-match'],
      ['POST', '/api/v1/keys', { 'if-match': '*' }, 'headers.if-match'],
    ];
    for (const [method, place, headers, fault] of cases) {
      const body = method === 'PUT' || method === 'POST' ? { name: 'y' } : undefined;
      const answer = await control.call(method, place, { body, headers });
      assert.deepEqual([answer.status, answer.body.errors?.[0]?.path], [400, fault], method);
    }
  });
});

test('a call that forgets to check its precondition fails, rather than pass it over', async () => {
  const forgetful = operation(['x:update'], {
    id: 'forgetful',
    method: 'PUT',
    path: '/x',
    summary: 'x',
    tag: 'x',
    replies: { 200: Type.Object({}) },
    handle: async () => ({ status: 200, data: {} }),
  });
  const run = forgetful.bind(createValidation());
  const control = createTestControl({ db: Object.create(null) });
  const arrival = {
    requestId: 'r',
    clientAddress: 'a',
    forwarded: false,
    principal: operatorPrincipal(),
    nowMs: NOW_MS,
    services: control.services,
  };
  const raw = { params: {}, query: {}, headers: { 'if-match': '*' }, body: undefined };
  await assert.rejects(run(raw, arrival, 'envelope'), /forgetful did not check its precondition/);
  assert.equal(((await run({ ...raw, headers: {} }, arrival, 'envelope')) as { status: number }).status, 200);
});
