// The walk of a stranger through every operation of the API, with the ids of another tenant in hand: nothing is there, nothing changes.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { sql, type Kysely } from 'kysely';
import { findEntry } from '../src/control/audit/store.ts';
import { findClient } from '../src/control/clients/store.ts';
import { findEndpoint, allEndpoints } from '../src/control/gateways/endpoint-store.ts';
import { findRevisionByNumber } from '../src/control/gateways/revision-store.ts';
import { findGateway, findGatewayByName } from '../src/control/gateways/store.ts';
import { findOperatorKeys, getKey, getKeyOfClient, updateKey } from '../src/control/keys/store.ts';
import type { Method } from '../src/control/operation.ts';
import { managementRoutes, OPERATIONS } from '../src/control/operations.ts';
import { lockPassword } from '../src/control/operators/password-store.ts';
import { findOperator, hasOtherAdmin } from '../src/control/operators/store.ts';
import { makePartitions } from '../src/control/publish/partitions.ts';
import { newId } from '../src/lib/id.ts';
import { findRequest } from '../src/control/requests/store.ts';
import { allRoles, findRole } from '../src/control/roles/store.ts';
import { findTenant } from '../src/control/tenants/store.ts';
import { migrate } from '../src/db/migrate.ts';
import { inTenant } from '../src/db/tenant-transaction.ts';
import type { Database } from '../src/db/schema.ts';
import type { Principal } from '../src/gateway/ports.ts';
import { Problem } from '../src/lib/problem.ts';
import { createTestControl, keyPrincipal, NOW_MS, type Answered, type TestControl } from './harness/control.ts';
import { forEachDatabase } from './harness/databases.ts';
import { principalOf } from './harness/principal.ts';

/** What a tenant has, one of each. */
interface Belongings {
  readonly tenantId: string;
  readonly operatorId: string;
  readonly keyId: string;
  readonly keyText: string;
  readonly clientId: string;
  readonly clientKeyId: string;
  readonly entryId: string;
  readonly gatewayId: string;
  readonly endpointId: string;
  readonly requestId: string;
  readonly roleName: string;
  readonly admin: Principal;
}

interface Visit {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: object;
}

type Visits = (theirs: Belongings, own: Belongings) => readonly Visit[];

type Step =
  /** Anybody may call it, and it tells nothing of any tenant. */
  | { readonly kind: 'public' }
  /** What it addresses is not there. */
  | { readonly kind: 'not-found'; readonly visits: Visits }
  /** Nothing is listed, whatever is asked for. */
  | { readonly kind: 'empty'; readonly visits: Visits }
  /** Works within the caller's own tenant, or is refused for reasons that tell nothing. */
  | { readonly kind: 'own'; readonly status: number; readonly visits: Visits };

const NAME = 'victim';
const UPSTREAM = [{ name: 'echo', targets: [{ url: 'http://127.0.0.1:9' }] }];
const ROUTE = { method: 'GET', path: '/mine' };
const OPENAPI = { openapi: '3.1.0', info: { title: 'mine', version: '1' }, paths: { '/mine': { get: {} } } };

const notFound = (visits: Visits): Step => ({ kind: 'not-found', visits });
const empty = (visits: Visits): Step => ({ kind: 'empty', visits });
const own = (status: number, visits: Visits): Step => ({ kind: 'own', status, visits });

const key = notFound(({ keyId }) => [{ params: { id: keyId }, body: { name: 'mine' } }]);
const gateway = notFound(({ gatewayId }) => [{ params: { id: gatewayId }, body: { name: 'mine' } }]);
const endpoint = notFound((theirs, mine) => [
  { params: { id: theirs.gatewayId, endpointId: theirs.endpointId }, body: { summary: 'mine' } },
  { params: { id: mine.gatewayId, endpointId: theirs.endpointId }, body: { summary: 'mine' } },
  { params: { id: theirs.gatewayId, endpointId: mine.endpointId }, body: { summary: 'mine' } },
]);
const tenant = notFound(({ tenantId }) => [{ params: { id: tenantId }, body: { name: 'mine' } }]);
const operator = notFound(({ operatorId }) => [{ params: { id: operatorId }, body: { name: 'mine' } }]);
const client = notFound(({ clientId }) => [{ params: { id: clientId } }]);
const clientKey = notFound((theirs, mine) => [
  { params: { id: theirs.clientId, keyId: theirs.clientKeyId } },
  { params: { id: mine.clientId, keyId: theirs.clientKeyId } },
  { params: { id: theirs.clientId, keyId: mine.clientKeyId } },
]);
const role = notFound(({ roleName }) => [{ params: { name: roleName }, body: { description: 'mine' } }]);

const LIMITS = { requestsPerDay: 1 };
const keyLimits = notFound(({ keyId, clientKeyId }) => [
  { params: { id: keyId }, body: LIMITS },
  { params: { id: clientKeyId }, body: LIMITS },
]);
const clientLimits = notFound(({ clientId }) => [{ params: { id: clientId }, body: LIMITS }]);
const endpointLimits = notFound(({ endpointId }) => [{ params: { id: endpointId }, body: LIMITS }]);
const tenantLimits = notFound(({ tenantId }) => [{ params: { id: tenantId }, body: LIMITS }]);

/** Every operation. One that is not here fails the walk: say of a new one how a stranger would call it, and what they must find. */
const STEPS: Readonly<Record<string, Step>> = {
  setup: { kind: 'public' },
  getHealth: { kind: 'public' },
  getReadiness: { kind: 'public' },
  getLiveness: { kind: 'public' },
  getOpenApi: { kind: 'public' },
  getMetrics: { kind: 'public' },

  validateKey: { kind: 'public' },
  verifyKey: own(200, ({ keyText }) => [{ body: { key: keyText } }]),
  importKeys: own(201, () => [{ body: { keys: [{ name: 'mine', keyPrefix: 'old_', hash: 'a'.repeat(64) }] } }]),
  rotateKey: notFound(({ keyId }) => [{ params: { id: keyId }, body: {} }]),
  createKey: own(201, () => [{ body: { name: 'mine' } }]),
  listKeys: empty(() => [{ query: `search=${NAME}` }, { query: `owner=${NAME}` }]),
  getKey: key,
  updateKey: key,
  revokeKey: key,

  createClientKey: own(400, ({ clientId }) => [{ body: { name: 'mine', clientId } }]),
  listClientKeys: client,
  getClientKey: clientKey,
  revokeClientKey: clientKey,

  createClient: own(201, () => [{ body: { name: 'mine', contactEmail: 'mine@example.com' } }]),
  listClients: empty(() => [{ query: `search=${NAME}` }, { query: `contactEmail=${NAME}@example.com` }]),
  getClient: client,
  updateClient: notFound(({ clientId }) => [{ params: { id: clientId }, body: { name: 'mine' } }]),
  deleteClient: client,
  getClientDashboard: client,
  registerClient: own(201, () => [
    { body: { clientName: 'mine', clientType: 'web_app', contactEmail: 'mine@example.com' } },
  ]),
  getRegisteredClient: client,
  updateRegisteredClient: notFound(({ clientId }) => [{ params: { id: clientId }, body: { clientName: 'mine' } }]),
  approveClient: client,
  rejectClient: client,
  suspendClient: client,
  reactivateClient: client,

  listAuditLogs: empty((theirs) => [
    { query: `resourceId=${theirs.keyId}` },
    { query: `actorId=${theirs.operatorId}` },
    { query: `resourceId=${theirs.tenantId}` },
  ]),
  exportAuditLogs: own(200, () => [{}]),
  verifyAuditLogs: own(200, () => [{}]),
  getAuditLog: notFound(({ entryId }) => [{ params: { id: entryId } }]),

  listRateLimitTiers: own(200, () => [{}]),
  getRateLimitTier: own(200, () => [{ params: { name: 'basic' } }]),
  putRateLimitTier: own(403, () => [{ params: { name: 'mine' }, body: { requestsPerDay: 1 } }]),
  deleteRateLimitTier: own(403, () => [{ params: { name: 'basic' } }]),
  getRateLimitStatus: own(200, () => [{}]),
  getKeyLimits: keyLimits,
  putKeyLimits: keyLimits,
  deleteKeyLimits: keyLimits,
  getClientLimits: clientLimits,
  putClientLimits: clientLimits,
  deleteClientLimits: clientLimits,
  getEndpointLimits: endpointLimits,
  putEndpointLimits: endpointLimits,
  deleteEndpointLimits: endpointLimits,
  getTenantLimits: tenantLimits,
  putTenantLimits: tenantLimits,
  deleteTenantLimits: tenantLimits,

  createGateway: own(201, () => [{ body: { name: NAME, upstreamServices: UPSTREAM, routePrefix: '/mine' } }]),
  putGateway: own(200, () => [{ body: { name: NAME, upstreamServices: UPSTREAM, routePrefix: '/mine' } }]),
  listGateways: empty(() => [{ query: 'search=secret' }, { query: 'status=active&search=secret' }]),
  getGateway: gateway,
  getGatewayHealth: gateway,
  updateGateway: gateway,
  deleteGateway: gateway,
  deployGateway: notFound(({ gatewayId }) => [{ params: { id: gatewayId } }]),
  listRevisions: notFound(({ gatewayId }) => [{ params: { id: gatewayId } }]),
  getRevision: notFound(({ gatewayId }) => [{ params: { id: gatewayId, revision: '1' } }]),
  diffGateway: notFound(({ gatewayId }) => [
    { params: { id: gatewayId } },
    { params: { id: gatewayId }, query: 'from=1&to=live' },
  ]),
  rollbackGateway: notFound(({ gatewayId }) => [{ params: { id: gatewayId }, body: { revision: 1 } }]),
  applyDeclaration: own(200, () => [
    { body: { gateways: [{ name: NAME, upstreamServices: UPSTREAM, routePrefix: '/mine', endpoints: [ROUTE] }] } },
    {
      body: { gateways: [{ name: NAME, upstreamServices: UPSTREAM, routePrefix: '/mine' }], prune: true, dryRun: true },
    },
    { body: { gateways: [], prune: true, dryRun: true } },
  ]),
  exportGateway: notFound(({ gatewayId }) => [{ params: { id: gatewayId } }]),
  explainRequest: own(200, () => [{ query: 'path=/victim/victim' }, { query: 'path=/victim/victim&method=PUT' }]),
  importOpenApi: notFound(({ gatewayId }) => [{ body: { document: OPENAPI, gatewayId } }]),
  getGatewayOpenApi: notFound(({ gatewayId }) => [{ params: { id: gatewayId } }]),
  createEndpoint: notFound(({ gatewayId }) => [{ params: { id: gatewayId }, body: { method: 'GET', path: '/mine' } }]),
  listEndpoints: notFound(({ gatewayId }) => [{ params: { id: gatewayId } }]),
  getEndpoint: endpoint,
  updateEndpoint: endpoint,
  deleteEndpoint: endpoint,

  listRequests: empty((theirs) => [
    {},
    { query: `keyId=${theirs.keyId}` },
    { query: `gatewayId=${theirs.gatewayId}` },
    { query: `endpointId=${theirs.endpointId}` },
    { query: `search=${theirs.requestId}` },
    { query: 'path=/victim*' },
  ]),
  getRequest: notFound(({ requestId }) => [{ params: { id: requestId } }]),

  createTenant: own(403, () => [{ body: { name: 'mine', slug: 'mine' } }]),
  listTenants: own(200, () => [{}, { query: `search=${NAME}` }]),
  getTenant: tenant,
  updateTenant: tenant,
  deleteTenant: tenant,

  createOperator: notFound(({ tenantId }) => [
    { body: { name: 'mine', email: 'mine@example.com', role: 'SUPER_ADMIN', tenantId } },
  ]),
  listOperators: empty(({ roleName }) => [{ query: `search=${NAME}` }, { query: `role=${roleName}` }]),
  getOperator: operator,
  updateOperator: operator,
  deleteOperator: operator,
  createOperatorKey: operator,
  setOperatorPassword: notFound(({ operatorId }) => [
    { params: { id: operatorId }, body: { password: 'a long enough one' } },
  ]),

  createRole: own(201, () => [{ body: { name: 'MINE', permissions: ['keys:read'] } }]),
  listRoles: empty(() => [{ query: `search=${NAME}` }]),
  getRole: role,
  updateRole: role,
  deleteRole: role,
};

/** Files below src/control that work as the owner of the tables, and why they may. */
const OUTSIDE: ReadonlyMap<string, string> = new Map([
  ['bind.ts', 'hands the database to once, which enters the tenant'],
  ['setup/routes.ts', 'nobody is there yet, in whose tenant it could be'],
  ['quickstart.ts', 'asks, before it enters the default tenant, whether there ever was a gateway'],
  ['operation.ts', 'looks whether the tenant is there in which a call wants to act'],
  ['operators/routes.ts', 'the same, for the tenantId of a body'],
  ['operators/password-routes.ts', 'hands the database to verifyPassword, which enters the tenant'],
  ['tenants/routes.ts', 'what tenants are is no tenant’s own to change'],
  ['tenants/changing.ts', 'the same'],
  ['rate-limits/tier-routes.ts', 'what tiers are is no tenant’s own to change'],
]);

describe('the walk', () => {
  test('passes by every operation', () => {
    assert.deepEqual(Object.keys(STEPS).toSorted(), OPERATIONS.map(({ id }) => id).toSorted());
  });

  test('is walled in everywhere: operations reach the database inside inTenant only', () => {
    const folder = new URL('../src/control/', import.meta.url);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const outside = files
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !OUTSIDE.has(file))
      .filter((file) =>
        /(?<!inTenant\((?:context\.)?)\bservices\.db\b/.test(readFileSync(new URL(file, folder), 'utf8')),
      );
    assert.deepEqual(outside, []);
  });

  test('takes for public what is public, and nothing else', () => {
    for (const { id, access } of OPERATIONS) assert.equal(STEPS[id]?.kind === 'public', access === 'public', id);
  });
});

forEachDatabase('a stranger', (open) => {
  for (const who of ['SUPER_ADMIN', 'key that holds everything'] as const) {
    test(`as the ${who} of another tenant finds nothing, on any path of any operation, and changes nothing`, async () => {
      const { db } = await open();
      const control = createTestControl({ db });
      const theirs = await settle(control, NAME);
      const mine = await settle(control, 'stranger');
      const { tenantId } = mine;
      const as = who === 'SUPER_ADMIN' ? mine.admin : keyPrincipal(['*'], { tenantId, keyId: mine.keyId });
      await walk(control, { theirs, mine, as });
    });
  }

  test('finds nothing either while the walls in the database are down: the scope of every store holds alone', async () => {
    const database = await open();
    const { db } = database;
    const control = createTestControl({ db });
    const theirs = await settle(control, NAME);
    const mine = await settle(control, 'stranger');
    const tables = await tablesOfTenants(db);
    try {
      for (const table of [...tables, 'tenants']) {
        await sql`alter table ${sql.table(table)} disable row level security`.execute(db);
      }
      await walk(control, { theirs, mine, as: mine.admin });
    } finally {
      await migrate(database);
    }
  });

  test('cannot act in the other tenant by naming it, in any operation', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const theirs = await settle(control, NAME);
    const mine = await settle(control, 'stranger');
    const before = await belongingsOf(db, theirs.tenantId);
    for (const { id, method, path: tail } of OPERATIONS) {
      const path = `/api/v1${tail}`;
      const step = STEPS[id];
      for (const visit of step === undefined || step.kind === 'public' ? [] : step.visits(theirs, mine)) {
        for (const as of [mine.admin, keyPrincipal(['*']), keyPrincipal(['*'], { tenantId: mine.tenantId })]) {
          const answer = await call(control, { method, path, as }, visit, { 'x-tenant-id': theirs.tenantId });
          assert.deepEqual([answer.status, answer.body.code], [404, 'not_found'], `${method} ${path}`);
          checkSilence(answer, theirs, path);
        }
      }
    }
    assert.deepEqual(await belongingsOf(db, theirs.tenantId), before);
  });

  test('finds nothing even where a store is asked with the other tenant’s scope by mistake: the database sees to it', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const theirs = await settle(control, NAME);
    const mine = await settle(control, 'stranger');
    const now = new Date(NOW_MS);
    const place = { gatewayId: theirs.gatewayId, id: theirs.endpointId };
    const scope = { tenantId: theirs.tenantId };
    const mistakes: ((trx: Kysely<Database>) => Promise<unknown>)[] = [
      (trx) => orNone(getKey(trx, scope, theirs.keyId)),
      (trx) => findOperatorKeys(trx, scope, theirs.operatorId),
      (trx) => findClient(trx, scope, theirs.clientId),
      (trx) => orNone(getKeyOfClient(trx, scope, { clientId: theirs.clientId, id: theirs.clientKeyId })),
      (trx) => findEntry(trx, scope, theirs.entryId),
      (trx) => findGateway(trx, scope, theirs.gatewayId),
      (trx) => findGatewayByName(trx, scope, NAME),
      (trx) => findEndpoint(trx, scope, place),
      (trx) => allEndpoints(trx, scope, theirs.gatewayId),
      (trx) => findRevisionByNumber(trx, scope, theirs.gatewayId, 1),
      (trx) => findRequest(trx, scope, theirs.requestId),
      (trx) => findOperator(trx, scope, theirs.operatorId),
      (trx) => lockPassword(trx, scope, theirs.operatorId),
      (trx) => hasOtherAdmin(trx, scope, { operatorId: 'usr_nobody', keyId: undefined }, now),
      (trx) => findRole(trx, scope, theirs.roleName),
      (trx) => allRoles(trx, scope),
      (trx) => findTenant(trx, theirs.tenantId),
    ];
    for (const mistake of mistakes) {
      const found = await inTenant(db, theirs, mistake);
      assert.ok(found !== undefined && found !== false && !isEmptyList(found), `finds its own: ${String(mistake)}`);
      const seen = await inTenant(db, mine, mistake);
      assert.ok(seen === undefined || seen === false || isEmptyList(seen), String(mistake));
    }
    await assert.rejects(
      inTenant(db, mine, (trx) => updateKey(trx, scope, theirs.keyId, { name: 'mine' })),
      /no result/,
    );
  });
});

interface Walk {
  readonly theirs: Belongings;
  readonly mine: Belongings;
  readonly as: Principal;
}

/** By every path of every operation. */
async function walk(control: TestControl, { theirs, mine, as }: Walk): Promise<void> {
  const { db } = control.services;
  const before = await belongingsOf(db, theirs.tenantId);
  for (const list of ['keys', 'api-clients', 'audit-logs', 'gateways', 'operators', 'requests', 'roles', 'tenants']) {
    checkSilence(await control.call('GET', `/api/v1/${list}?pageSize=100`, { as }), theirs, list);
  }
  for (const { operationId, method, path } of managementRoutes(OPERATIONS)) {
    const step = STEPS[operationId];
    assert.ok(step !== undefined, operationId);
    if (step.kind === 'public') continue;
    for (const visit of step.visits(theirs, mine)) {
      const answer = await call(control, { method, path, as }, visit);
      checkAnswer(answer, step, `${method} ${path} ${JSON.stringify(visit)}`);
      checkSilence(answer, theirs, `${method} ${path}`);
      await undo(db, mine, operationId);
    }
  }
  assert.deepEqual(await belongingsOf(db, theirs.tenantId), before);
}

/** What refuses in place of finding nothing. */
async function orNone<Found>(work: Promise<Found>): Promise<Found | undefined> {
  return work.catch((cause: unknown) => {
    if (cause instanceof Problem && cause.code === 'not_found') return undefined;
    throw cause;
  });
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** A tenant with one of everything, under names that begin with the word. */
async function settle(control: TestControl, word: string): Promise<Belongings> {
  const make = async (path: string, body: object, as?: Principal): Promise<Answered['body']> => {
    const answer = await control.call('POST', `/api/v1${path}`, { body, ...(as !== undefined && { as }) });
    assert.ok(answer.status < 300, answer.text);
    return answer.body.data;
  };
  const { id: tenantId } = await make('/tenants', { name: word, slug: word });
  const first = { name: `${word} admin`, email: `${word}@example.com`, role: 'SUPER_ADMIN', tenantId };
  const { id: operatorId, apiKey } = await make('/operators', first);
  const admin = await principalOf(control, apiKey);
  const password = { password: `${word} has a long one` };
  await control.call('PUT', `/api/v1/operators/${operatorId}/password`, { as: admin, body: password });
  const made = await make('/keys', { name: `${word} key`, owner: word, scopes: ['keys:read'] }, admin);
  const secret = { name: `${word} secret`, routePrefix: `/${word}`, upstreamServices: UPSTREAM };
  const { id: gatewayId } = await make(
    '/gateways',
    word === NAME ? { ...secret, name: NAME } : { ...secret, name: 'own' },
    admin,
  );
  const { id: endpointId } = await make(`/gateways/${gatewayId}/endpoints`, { method: 'GET', path: `/${word}` }, admin);
  await make(`/gateways/${gatewayId}/deploy`, {}, admin);
  const roleName = `${word.toUpperCase()}_ROLE`;
  await make('/roles', { name: roleName, permissions: ['keys:read'] }, admin);
  const partner = { name: `${word} client`, contactEmail: `${word}@example.com` };
  const { id: clientId } = await make('/api-clients', partner, admin);
  const headers = { 'idempotency-key': word };
  const order = { as: admin, body: { name: `${word} partner key`, clientId }, headers };
  const clientKeyId = (await control.call('POST', '/api/v1/api-keys', order)).body.data.id;
  await noteQuota(control.services.db, tenantId);
  const entries = await control.call('GET', '/api/v1/audit-logs', { as: admin });
  const entryId = entries.body.data[0].id;
  const requestId = newId('req', NOW_MS);
  if (word === NAME)
    await logRequest(control.services.db, { tenantId, requestId, gatewayId, endpointId, keyId: made.id });
  const ids = {
    tenantId,
    operatorId,
    keyId: made.id,
    keyText: made.apiKey,
    clientId,
    clientKeyId,
    entryId,
    gatewayId,
    endpointId,
    requestId,
  };
  return { ...ids, roleName, admin };
}

async function noteQuota(db: Kysely<Database>, tenantId: string): Promise<void> {
  const now = new Date(NOW_MS);
  const about = { subject: `tenant:${tenantId}`, resets_at: now, quota: 1, level: 'warning', noticed_at: now } as const;
  await db
    .insertInto('quota_notices')
    .values({ tenant_id: tenantId, ...about })
    .execute();
}

async function logRequest(db: Kysely<Database>, logged: Readonly<Record<string, string>>): Promise<void> {
  await makePartitions(db, [NOW_MS]);
  await sql`insert into request_logs (request_id, tenant_id, gateway_id, endpoint_id, key_id, started_at, duration_ms, method, path, query,
      status, rate_limited, auth_failed, client_ip, request_bytes, response_bytes)
    values (${logged['requestId']}, ${logged['tenantId']}, ${logged['gatewayId']}, ${logged['endpointId']}, ${logged['keyId']}, ${new Date(NOW_MS)}, 1,
      'GET', '/victim/x', '', 500, false, false, '203.0.113.9', 0, 0)`.execute(db);
}

interface Call {
  readonly method: Method;
  readonly path: string;
  readonly as: Principal;
}

async function call(
  control: TestControl,
  { method, path, as }: Call,
  { params = {}, query, body }: Visit,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
    const value = params[name];
    assert.ok(value !== undefined, `the walk gives no ${name} for ${path}`);
    return value;
  });
  const takesBody = method === 'POST' || method === 'PUT';
  return control.call(method, query === undefined ? filled : `${filled}?${query}`, {
    as,
    headers,
    ...(takesBody && body !== undefined && { body }),
  });
}

function checkAnswer(answer: Answered, step: Step, what: string): void {
  switch (step.kind) {
    case 'public':
      return;
    case 'not-found':
      assert.deepEqual([answer.status, answer.body.code], [404, 'not_found'], `${what} ${answer.text}`);
      return;
    case 'empty': {
      assert.equal(answer.status, 200, `${what} ${answer.text}`);
      // The compact surface names its lists.
      assert.deepEqual(
        Object.values(answer.body).find((value) => Array.isArray(value)),
        [],
        what,
      );
      assert.equal(answer.body.meta?.total ?? answer.body.count, 0, what);
      return;
    }
    case 'own':
      assert.ok(
        [step.status, step.status === 200 ? 201 : step.status].includes(answer.status),
        `${what} ${answer.status} ${answer.text}`,
      );
  }
}

/** Not one id of the other tenant, and nothing that it wrote. */
function checkSilence({ text, body }: Answered, theirs: Belongings, what: string): void {
  // Refusals repeat the path that was called.
  const said = text.replaceAll(String(body?.instance), '');
  const { admin: _admin, ...ids } = theirs;
  for (const id of [...Object.values(ids), 'victim key', 'victim admin', 'victim@example.com', '203.0.113.9']) {
    assert.ok(!said.includes(id), `${what} tells ${id}: ${text}`);
  }
}

/** What the stranger makes for themselves must not stand in the way of the next path. */
async function undo(db: Kysely<Database>, { tenantId, gatewayId }: Belongings, operationId: string): Promise<void> {
  switch (operationId) {
    case 'createKey':
    case 'importKeys':
      await db.deleteFrom('keys').where('tenant_id', '=', tenantId).where('operator_id', 'is', null).execute();
      return;
    case 'createRole':
      await db.deleteFrom('roles').where('tenant_id', '=', tenantId).where('name', '=', 'MINE').execute();
      return;
    case 'createGateway':
    case 'putGateway':
    case 'applyDeclaration':
      await db.deleteFrom('gateways').where('tenant_id', '=', tenantId).where('id', '!=', gatewayId).execute();
      return;
    default:
  }
}

/** Every row of the tenant. */
async function belongingsOf(db: Kysely<Database>, tenantId: string): Promise<unknown> {
  const all: Record<string, unknown> = {};
  for (const name of await tablesOfTenants(db)) {
    const table = sql.table(name);
    // By all there is in a row: in what order the database comes upon equal ones is its affair.
    const found =
      await sql`select belonging.* from ${table} as belonging where tenant_id = ${tenantId} order by belonging::text`.execute(
        db,
      );
    assert.ok(found.rows.length > 0, `${name} has nothing of the tenant: let settle() make one`);
    all[name] = found.rows;
  }
  all['tenants'] = await db.selectFrom('tenants').selectAll().where('id', '=', tenantId).execute();
  return all;
}

async function tablesOfTenants(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class join pg_attribute on attrelid = pg_class.oid and attname = 'tenant_id'
    where relkind in ('r', 'p') and not relispartition and relnamespace = current_schema()::regnamespace order by 1`.execute(
    db,
  );
  assert.ok(rows.length >= 8);
  return rows.map(({ name }) => name);
}
