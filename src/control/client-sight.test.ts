// What the key of a client sees, whatever its scopes: its own, and nothing of those who manage its tenant.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../test/harness/api.ts';
import { createTestControl, NOW_MS, type TestControl } from '../../test/harness/control.ts';
import { forEachDatabase } from '../../test/harness/databases.ts';
import { principalOf } from '../../test/harness/principal.ts';
import { DEFAULT_TENANT_ID } from '../db/schema.ts';
import type { ExchangeRecord, Principal } from '../gateway/ports.ts';
import { newId } from '../lib/id.ts';
import { writeRecords } from './publish/records.ts';

const BROAD = ['*'];
const newCall = (): string => newId('req', NOW_MS);
/** Calls of the two keys of a client, of another client's, of nobody's, and without a key. */
const ID = { first: newCall(), second: newCall(), other: newCall(), none: newCall(), refused: newCall() };

async function make(control: TestControl, path: string, body: object): Promise<Json> {
  const answer = await control.call('POST', path, { body });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data;
}

interface Scene {
  readonly control: TestControl;
  /** Two keys of one client, one of another, one of nobody's. */
  readonly keyIds: readonly [first: string, second: string, other: string, none: string];
  /** As which the first key calls. */
  readonly as: Principal;
}

async function createScene(control: TestControl): Promise<Scene> {
  const client = { name: 'Partner', contactEmail: 'a@b.c', scopes: BROAD };
  const { id: clientId } = await make(control, '/api/v1/api-clients', client);
  const { id: otherId } = await make(control, '/api/v1/api-clients', { ...client, name: 'Other' });
  const key = (body: object): Promise<Json> => make(control, '/api/v1/keys', { name: 'k', scopes: BROAD, ...body });
  const first = await key({ clientId });
  const second = await key({ clientId });
  const other = await key({ clientId: otherId });
  const none = await key({});
  return {
    control,
    keyIds: [first.id, second.id, other.id, none.id],
    as: await principalOf(control, first.apiKey),
  };
}

function record(requestId: string, keyId: string | undefined): ExchangeRecord {
  return {
    requestId,
    startedAtMs: NOW_MS,
    durationMs: 1,
    method: 'GET',
    path: '/shop',
    query: '',
    status: 200,
    errorCode: undefined,
    rateLimited: false,
    authFailed: keyId === undefined,
    tenantId: DEFAULT_TENANT_ID,
    gatewayId: 'gw_1',
    endpointId: 'ep_1',
    keyId,
    clientIp: '10.0.0.1',
    userAgent: undefined,
    requestBytes: 1,
    responseBytes: 2,
    service: 'orders',
    target: 'http://127.0.0.1:9000',
    upstreamMs: 0.5,
    requestHeaders: undefined,
  };
}

forEachDatabase('the key of a client', (open) => {
  test('sees the calls of its client’s keys, and no others, by whatever filter', async () => {
    const opened = await open();
    const { control, keyIds, as } = await createScene(createTestControl(opened));
    const [first, second, other, none] = keyIds;
    await writeRecords(opened, [
      record(ID.first, first),
      record(ID.second, second),
      record(ID.other, other),
      record(ID.none, none),
      record(ID.refused, undefined),
    ]);
    const listed = async (query: string): Promise<string[]> => {
      const answer = await control.call('GET', `/api/v1/requests${query}`, { as });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.body.meta.total, answer.body.data.length);
      return answer.body.data.map(({ id }: Json) => id).toSorted();
    };
    assert.deepEqual(await listed(''), [ID.first, ID.second]);
    assert.deepEqual(await listed('?path=/shop&status=2xx&search=req_'), [ID.first, ID.second]);
    assert.deepEqual(await listed(`?keyId=${second}`), [ID.second]);
    for (const foreign of [other, none]) assert.deepEqual(await listed(`?keyId=${foreign}`), []);
    assert.deepEqual(await listed('?authFailed=true'), []);

    assert.equal((await control.call('GET', `/api/v1/requests/${ID.second}`, { as })).status, 200);
    for (const id of [ID.other, ID.none, ID.refused, newCall()])
      assert.equal((await control.call('GET', `/api/v1/requests/${id}`, { as })).status, 404, id);
    assert.equal((await control.call('GET', '/api/v1/requests')).body.meta.total, 5);
  });

  test('sees no operators, no roles and no changes', async () => {
    const { control, as } = await createScene(createTestControl(await open()));
    const [operator] = (await control.call('GET', '/api/v1/operators')).body.data;
    const [change] = (await control.call('GET', '/api/v1/audit-logs')).body.data;
    const paths = ['/operators', '/roles', '/roles/SUPPORT', '/roles/NONE', '/audit-logs', '/audit-logs/export'];
    paths.push('/audit-logs/verify', `/audit-logs/${change.id}`, `/operators/${operator?.id ?? 'usr_none'}`);
    for (const path of paths) {
      const { status, body } = await control.call('GET', `/api/v1${path}`, { as });
      assert.deepEqual([status, body.code], [403, 'insufficient_scope'], path);
      assert.match(body.detail, /^The key of a client cannot see /);
    }
  });

  test('of nobody’s sees what its scopes say', async () => {
    const control = createTestControl(await open());
    const { apiKey } = await make(control, '/api/v1/keys', { name: 'k', scopes: BROAD });
    const as = await principalOf(control, apiKey);
    for (const path of ['/operators', '/roles', '/audit-logs', '/requests'])
      assert.equal((await control.call('GET', `/api/v1${path}`, { as })).status, 200, path);
  });
});
