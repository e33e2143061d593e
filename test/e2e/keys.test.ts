// The whole life of keys as its readers' documents call it (S0: journeys 1, 5, 6 and 7; S2: key management and validation; S3:
// authentication), through the gateway, on both databases; and no secret left behind anywhere.

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, it } from 'node:test';
import { sql } from 'kysely';
import { openDatabase } from '../../src/db/open.ts';
import { digestOf } from '../../src/lib/foreign-key-text.ts';
import { newKeyText } from '../../src/lib/key-text.ts';
import { createApi, type Answer, type Api, type Json } from '../harness/api.ts';
import { forEachDatabaseUrl } from '../harness/databases.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';

const FIRST_PEPPER = 'the first pepper, of 32 characters and more';
const SECOND_PEPPER = 'the second pepper, of 32 characters and more';
/** As the API ecosystem's document writes one. */
const FOREIGN = 'ins_abc123_xxxxxxxxxxxxxxxxxxxxxx';

forEachDatabaseUrl('keys', (databaseUrl) => {
  /** Every answer that was not meant to show a secret, as text. */
  const shown: string[] = [];
  const secrets: string[] = [FOREIGN];
  const logs: string[] = [];
  let upstream: Server;
  let sandbox: Sandbox;
  let tollgate: RunningTollgate;
  let adminKey = '';

  const start = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
    tollgate = await sandbox.start({
      ...(databaseUrl() !== undefined && { TOLLGATE_DATABASE_URL: databaseUrl() ?? '' }),
      TOLLGATE_KEY_PREFIX: 'dh_live',
      TOLLGATE_HMAC_SECRET: FIRST_PEPPER,
      TOLLGATE_LOG_LEVEL: 'trace',
      ...env,
    });
  };
  const restart = async (env: Readonly<Record<string, string>>): Promise<void> => {
    tollgate.signal('SIGTERM');
    assert.equal(await tollgate.ended(), 0);
    logs.push(tollgate.log(), tollgate.output());
    await start(env);
  };
  /** Calls whose answers are searched for secrets in the end. */
  const api = (key?: string): Api => {
    const inner = createApi(tollgate.url, key);
    return {
      async call(...given) {
        const answer = await inner.call(...given);
        shown.push(JSON.stringify(answer.body) + JSON.stringify([...answer.headers]));
        return answer;
      },
    };
  };
  const admin = (): Api => api(adminKey);
  /** A call that answers with a new key: that one place is left out of the search. */
  const issue = async (method: string, path: string, body: unknown): Promise<Answer> => {
    const answer = await createApi(tollgate.url, adminKey).call(method, path, body);
    const data = answer.body.data ?? answer.body;
    const made = data.newKey ?? data;
    const text = made.apiKey ?? made.key;
    assert.equal(typeof text, 'string', JSON.stringify(answer.body));
    secrets.push(text);
    shown.push(JSON.stringify(answer.body).replaceAll(text, '(the new key)'));
    return answer;
  };
  const use = (key: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    api(key).call('GET', '/shop/orders', undefined, headers);

  before(async () => {
    upstream = createServer((_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const address = upstream.address();
    const target = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
    sandbox = await createSandbox();
    await start();
    const setup = await createApi(tollgate.url).call('POST', '/setup', { name: 'Morgan', email: 'm@example.com' });
    adminKey = setup.body.apiKey;
    secrets.push(adminKey);
    await admin().call('PUT', `/api/v1/keys/${setup.body.keyId}`, { rateLimit: { requestsPerMinute: 100_000 } });
    const gateway = await admin().call('POST', '/api/v1/gateways', {
      name: 'shop',
      routePrefix: '/shop',
      upstreamServices: [{ name: 'orders', targets: [{ url: target }] }],
    });
    const path = `/api/v1/gateways/${gateway.body.data.id}`;
    await admin().call('POST', `${path}/endpoints`, { method: 'GET', path: '/orders' });
    const deploy = await admin().call('POST', `${path}/deploy`);
    assert.equal(deploy.status, 200, JSON.stringify(deploy.body));
  });

  after(async () => {
    await sandbox.remove();
    upstream.closeAllConnections();
    upstream.close();
  });

  it('journey 1: a first key is made, shown once, and works in either header', async () => {
    const made = await issue('POST', '/api/v1/keys', {
      name: 'Alex Dev Key',
      scopes: ['read:requests', 'write:requests'],
    });
    assert.equal(made.status, 201);
    const { apiKey } = made.body.data;
    assert.match(apiKey, /^dh_live_/);
    assert.equal((await use(apiKey)).status, 200);
    const bearer = await api().call('GET', '/shop/orders', undefined, { authorization: `Bearer ${apiKey}` });
    assert.equal(bearer.status, 200);
    assert.equal((await api(apiKey).call('GET', '/api/v1/requests')).status, 200);
  });

  it('journey 5: an audit finds active, unused and refused keys', async () => {
    const idle = (await issue('POST', '/api/v1/keys', { name: 'idle' })).body.data;
    const busy = (await issue('POST', '/api/v1/keys', { name: 'busy', rateLimit: { requestsPerDay: 1 } })).body.data;
    assert.equal((await use(busy.apiKey)).status, 200);
    assert.equal((await use(busy.apiKey)).status, 429);
    assert.equal((await use(newKeyText('dh_live').text)).status, 401);
    const active = await admin().call('GET', '/api/v1/keys?status=active');
    const ids = new Set(active.body.data.map(({ id }: Json) => id));
    assert.ok(ids.has(idle.id) && ids.has(busy.id));
    let oldest: Json[];
    // Uses are written down a moment after the call.
    do oldest = (await admin().call('GET', '/api/v1/keys?sortBy=lastUsedAt&sortOrder=asc')).body.data;
    while (oldest.find(({ id }) => id === busy.id)?.lastUsedAt === undefined);
    assert.equal(oldest[0].id, idle.id, 'never used comes first');
    assert.equal((await admin().call('GET', '/api/v1/keys?unusedDays=30')).body.meta.total, 0);
    const failures = await admin().call('GET', `/api/v1/requests?status=401&startDate=2024-01-15T14:00:00Z`);
    assert.ok(failures.body.data.some(({ path }: Json) => path === '/shop/orders'));
    const limited = await admin().call('GET', '/api/v1/requests?rateLimited=true');
    assert.deepEqual(
      limited.body.data.map(({ keyId }: Json) => keyId),
      [busy.id],
    );
  });

  it('journey 6: a compromised key is rotated; both work, and the old one revokes itself', async () => {
    const terms = { name: 'compromised', scopes: ['orders:read'], rateLimit: { requestsPerDay: 1_000_000 } };
    const old = (await issue('POST', '/api/v1/keys', terms)).body.data;
    const rotated = await issue('POST', `/api/v1/keys/${old.id}/rotate`, { deprecationPeriod: 86_400 });
    assert.equal(rotated.status, 200);
    const { newKey, oldKey } = rotated.body.data;
    assert.equal(oldKey.status, 'deprecated');
    assert.equal((await use(newKey.apiKey)).status, 200);
    assert.equal((await use(old.apiKey)).status, 200);
    const traffic = await admin().call('GET', `/api/v1/requests?keyId=${old.id}`);
    assert.ok(traffic.body.meta.total >= 1);

    const brief = await issue('POST', `/api/v1/keys/${newKey.id}/rotate`, { deprecationPeriod: 1 });
    let answer: Answer;
    do answer = await use(newKey.apiKey);
    while (answer.status === 200);
    assert.deepEqual([answer.status, answer.body.code], [401, 'key_superseded']);
    const ended = await admin().call('GET', `/api/v1/keys/${newKey.id}`);
    assert.deepEqual(
      [ended.body.data.status, ended.body.data.revokedAt],
      ['revoked', brief.body.data.oldKey.expiresAt],
    );
    assert.equal((await use(brief.body.data.newKey.apiKey)).status, 200);
  });

  it('journey 7: a partner gets a key with limits, metadata and an end', async () => {
    // The document's date has passed; the year is moved.
    const made = await issue('POST', '/api/v1/keys', {
      name: 'Partner: Acme Corp',
      description: 'API access for Acme Corp integration',
      scopes: ['read:requests', 'write:webhooks'],
      rateLimit: { requestsPerMinute: 1000, requestsPerHour: 50_000 },
      metadata: { partner: 'acme-corp', contract: 'PARTNER-2024-001', tier: 'premium' },
      expiresAt: '2095-01-15T00:00:00Z',
    });
    assert.equal(made.status, 201);
    assert.equal(made.body.data.expiresAt, '2095-01-15T00:00:00.000Z');
    const answer = await use(made.body.data.apiKey);
    assert.deepEqual([answer.status, answer.headers.get('x-ratelimit-limit')], [200, '1000']);
  });

  it('the guide: keys on the compact surface, made, listed, read, validated, rotated and revoked', async () => {
    const made = await issue('POST', '/keys', {
      name: 'Service API Key',
      owner: 'Example Service',
      scopes: ['read:data', 'write:data'],
      expiresInDays: 365,
    });
    assert.equal(made.status, 201);
    const { id, key } = made.body;
    const listed = await admin().call('GET', '/keys');
    assert.equal(listed.body.keys[0].id, id);
    assert.equal((await admin().call('GET', `/keys/${id}`)).body.owner, 'Example Service');

    const valid = await api().call('POST', '/validate', { key, scopes: ['read:data'] });
    assert.deepEqual(valid.body, {
      isValid: true,
      keyId: id,
      scopes: ['read:data', 'write:data'],
      owner: 'Example Service',
    });
    const insufficient = await api().call('POST', '/validate', { key, scopes: ['read:data', 'admin:data'] });
    assert.equal(insufficient.body.reason, 'insufficient_scope');
    const invalid = await api().call('POST', '/validate', { key: 'km_p8tb7y54nmx982jfvs37', scopes: ['read:data'] });
    assert.deepEqual(invalid.body, { isValid: false, reason: 'invalid_key' });

    const rotated = await issue('POST', `/keys/${id}/rotate`, { transitionPeriodDays: 7 });
    assert.equal(rotated.body.oldKey.status, 'deprecated');
    assert.equal(rotated.body.oldKey.key, undefined, 'it is kept nowhere');
    assert.equal((await use(rotated.body.newKey.key)).status, 200);
    const revoked = await admin().call('DELETE', `/keys/${id}`);
    assert.equal(revoked.body.status, 'revoked');
    assert.deepEqual((await api().call('POST', '/validate', { key })).body, { isValid: false, reason: 'revoked' });
    const refused = await use(key);
    assert.deepEqual([refused.status, refused.body.code], [401, 'key_revoked']);
  });

  it('a key that was made elsewhere works from its import on, though it was tried before', async () => {
    for (let i = 0; i < 4; i++) assert.equal((await use(FOREIGN)).body.code, 'invalid_key');
    const keys = [{ hash: digestOf(FOREIGN), keyPrefix: 'ins_abc1', name: 'Production Key', scopes: ['leads:read'] }];
    const made = await admin().call('POST', '/api/v1/keys/import', { keys });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    for (let i = 0; i < 4; i++) {
      const answer = await api().call('GET', '/shop/orders', undefined, { authorization: `Bearer ${FOREIGN}` });
      assert.equal(answer.status, 200);
    }
    assert.equal((await use(`${FOREIGN}x`)).body.code, 'invalid_key');
    await admin().call('DELETE', `/api/v1/keys/${made.body.data.keys[0].id}`);
    for (let i = 0; i < 4; i++) assert.equal((await use(FOREIGN)).body.code, 'key_revoked');
  });

  it('a key works from its addresses only, and a change of them holds at once', async () => {
    const { id, apiKey } = (await issue('POST', '/api/v1/keys', { name: 'bound', allowedIps: ['192.0.2.0/24'] })).body
      .data;
    const refused = await use(apiKey, { 'x-forwarded-for': '192.0.2.1' });
    assert.deepEqual([refused.status, refused.body.code], [403, 'address_not_allowed'], 'nobody may say who they are');
    await admin().call('PUT', `/api/v1/keys/${id}`, { allowedIps: ['127.0.0.0/8', '::1'] });
    for (let i = 0; i < 4; i++) assert.equal((await use(apiKey)).status, 200);
  });

  it('a key of an environment says so in its text', async () => {
    const made = (await issue('POST', '/api/v1/keys', { name: 'trial', environment: 'test' })).body.data;
    assert.match(made.apiKey, /^dh_test_/);
    assert.equal((await use(made.apiKey)).status, 200);
    const found = await admin().call('GET', '/api/v1/keys?environment=test');
    assert.deepEqual(
      found.body.data.map(({ id }: Json) => id),
      [made.id],
    );
  });

  it('validation is limited by address, whatever the caller says of it', async () => {
    await restart({ TOLLGATE_VALIDATIONS_PER_MINUTE: '2' });
    const statuses: number[] = [];
    // A minute may end in between, and give two more.
    for (let i = 0; i < 6; i++) {
      const answer = await api().call('POST', '/validate', { key: 'x' }, { 'x-forwarded-for': `192.0.2.${i}` });
      statuses.push(answer.status);
      if (answer.status === 429) assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    }
    assert.deepEqual(statuses.slice(0, 2), [200, 200]);
    assert.ok(statuses.includes(429));
  });

  it('another prefix and another pepper are taken into use without a key being lost', async () => {
    const used = (await issue('POST', '/api/v1/keys', { name: 'used' })).body.data.apiKey;
    const unused = (await issue('POST', '/api/v1/keys', { name: 'unused' })).body.data.apiKey;
    const during = { TOLLGATE_HMAC_SECRET: SECOND_PEPPER, TOLLGATE_HMAC_SECRET_PREVIOUS: FIRST_PEPPER };
    await restart({ ...during, TOLLGATE_KEY_PREFIX: 'km' });
    for (let i = 0; i < 4; i++) assert.equal((await use(used)).status, 200);
    const late = (await issue('POST', '/api/v1/keys', { name: 'late' })).body.data.apiKey;
    assert.match(late, /^km_/);

    await restart({ TOLLGATE_HMAC_SECRET: SECOND_PEPPER });
    assert.match(tollgate.log(), /"keys":\d+,"msg":"keys are refused: hashed under neither/);
    assert.equal((await use(used)).status, 200, 'hashed anew when it was used');
    assert.equal((await use(late)).status, 200);
    assert.equal((await use(unused)).body.code, 'invalid_key');
    await restart(during);
    assert.equal((await use(unused)).status, 200, 'not lost: only its pepper was');

    tollgate.signal('SIGTERM');
    await tollgate.ended();
    logs.push(tollgate.log(), tollgate.output());
    const wrong = await sandbox.run([], {
      ...(databaseUrl() !== undefined && { TOLLGATE_DATABASE_URL: databaseUrl() ?? '' }),
      TOLLGATE_HMAC_SECRET: FIRST_PEPPER,
    });
    assert.equal(wrong.code, 2);
    assert.match(wrong.log, /HMAC_SECRET: not the one that this database was made with/);
    logs.push(wrong.log);
  });

  it('left no secret of any key in an answer, a log line or the database', async () => {
    const places = new Map<string, string>([
      ['answers', shown.join('\n')],
      ['logs', logs.join('\n')],
      ['database', await dump(databaseUrl(), sandbox.dataDir)],
    ]);
    for (const [place, text] of places) {
      assert.ok(text.length > 1_000, `${place} was searched`);
      for (const secret of secrets) {
        // Of our own keys, what comes after the public id; of one from elsewhere, all of it and its hash.
        const parts = secret === FOREIGN ? [FOREIGN, digestOf(FOREIGN)] : [secret.slice(-49), digestOf(secret)];
        for (const part of parts) assert.ok(!text.includes(part), `a secret stands in the ${place}`);
      }
      for (const pepper of [FIRST_PEPPER, SECOND_PEPPER]) assert.ok(!text.includes(pepper));
    }
  });
});

/** Every row of every table, as text. The process that had the embedded database must have ended. */
async function dump(databaseUrl: string | undefined, dataDir: string): Promise<string> {
  const database = await openDatabase({ databaseUrl, dataDir });
  const { db } = database;
  try {
    const tables = await sql<{ name: string }>`
      select tablename as name from pg_tables where schemaname = 'public'`.execute(db);
    const texts: string[] = [];
    for (const { name } of tables.rows) {
      const { rows } = await sql<{ text: string }>`select t::text as text from ${sql.table(name)} as t`.execute(db);
      texts.push(...rows.map(({ text }) => text));
    }
    return texts.join('\n');
  } finally {
    await database.close();
  }
}
