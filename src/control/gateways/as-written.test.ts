// The requests on gateways that the reference document of gateway management writes, with the paths and bodies that it writes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';

const GATEWAY = {
  name: 'Guest services',
  baseUrl: 'https://api.example.com',
  upstreamServices: [{ name: 'guests', targets: [{ url: 'http://127.0.0.1:9000' }] }],
  securitySettings: { authenticationRequired: true, rateLimitingEnabled: true },
};

/** What its table of endpoints has, as far as the API takes it. */
const ENDPOINT = {
  path: '/guests/:id',
  method: 'GET',
  operationId: 'o'.repeat(255),
  summary: 's'.repeat(500),
  description: 'One guest.',
  tags: ['guests'],
  upstreamUrl: 'http://127.0.0.1:9001',
  timeoutSeconds: 30,
  authRequired: true,
  requiredScopes: ['guests:read'],
  rateLimit: { requestsPerMinute: 60, requestsPerHour: 600, requestsPerDay: 6_000 },
  isActive: true,
  deprecated: true,
  deprecationDate: '2026-12-31',
};

forEachDatabase('the requests on gateways as they are written', (open) => {
  test('work: create, update, get and deploy, below /api', async () => {
    const control = createTestControl(await open());
    const made = await control.call('POST', '/api/gateways', { body: GATEWAY });
    assert.equal(made.status, 201, made.text);
    const { id } = made.body.data;
    assert.equal((await control.call('PUT', '/api/gateways', { body: GATEWAY })).body.data.id, id);
    const endpoint = await control.call('POST', `/api/gateways/${id}/endpoints`, { body: ENDPOINT });
    assert.equal(endpoint.status, 201, endpoint.text);
    assert.equal((await control.call('GET', `/api/gateways/${id}`)).body.data.name, GATEWAY.name);
    const deployed = await control.call('POST', `/api/gateways/${id}/deploy`);
    assert.deepEqual([deployed.status, deployed.body.data.changes.added], [200, ['GET /guest-services/guests/{id}']]);
  });

  test('take names as long as its columns hold', async () => {
    const control = createTestControl(await open());
    const long = await control.call('POST', '/api/gateways', { body: { ...GATEWAY, name: 'n'.repeat(255) } });
    assert.equal(long.status, 201, long.text);
    const path = `/api/gateways/${long.body.data.id}`;
    assert.equal((await control.call('POST', `${path}/endpoints`, { body: ENDPOINT })).status, 201);
    assert.equal((await control.call('POST', `${path}/deploy`)).status, 200);
    const longer = await control.call('POST', '/api/gateways', { body: { ...GATEWAY, name: 'n'.repeat(256) } });
    assert.equal(longer.status, 400);
  });
});
