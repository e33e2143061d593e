import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Kysely, PGliteDialect } from 'kysely';
import { pino } from 'pino';
import { Type } from 'typebox';
import { CONTROL_TOKEN, createTestControl, operatorPrincipal, toContextHeader } from '../../test/harness/control.ts';
import { forEachDatabase } from '../../test/harness/databases.ts';
import { parseCaller } from './caller.ts';
import { publicOperation } from './operation.ts';
import { CONTEXT_HEADER, createControlServer, TOKEN_HEADER } from './server.ts';

forEachDatabase('the control plane', (open) => {
  test('refuses whatever did not come through the gateway, without a word', async () => {
    const control = createTestControl(await open());
    const cases: Record<string, string>[] = [
      { [TOKEN_HEADER]: '' },
      { [TOKEN_HEADER]: 'wrong' },
      { [TOKEN_HEADER]: `${CONTROL_TOKEN}x` },
      { [TOKEN_HEADER]: CONTROL_TOKEN.slice(1) },
      { [CONTEXT_HEADER]: '' },
      { [CONTEXT_HEADER]: 'rubbish' },
      { [CONTEXT_HEADER]: Buffer.from('{}').toString('base64url') },
    ];
    for (const headers of cases) {
      for (const path of ['/api/v1/keys', '/health', '/nowhere']) {
        const answer = await control.call('GET', path, { headers });
        assert.deepEqual([answer.status, answer.text], [404, ''], JSON.stringify(headers));
      }
    }
  });

  test('answers with problem details that name the call', async () => {
    const control = createTestControl(await open());
    const answer = await control.call('GET', '/api/v1/nowhere?x=1');
    assert.equal(answer.status, 404);
    assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8');
    assert.deepEqual(
      [answer.body.code, answer.body.success, answer.body.instance, answer.body.requestId, answer.body.status],
      ['route_not_found', false, '/api/v1/nowhere', 'req_1', 404],
    );
  });

  const bodies = [
    { about: 'broken JSON', body: '{"name":', status: 400, code: 'malformed_body' },
    { about: 'text that is no JSON', body: 'name=x', status: 400, code: 'malformed_body' },
    { about: 'a poisoned prototype', body: '{"__proto__":{"a":1},"name":"x"}', status: 400, code: 'malformed_body' },
    {
      about: 'another media type',
      body: 'name=x',
      type: 'application/x-www-form-urlencoded',
      status: 415,
      code: 'unsupported_media_type',
    },
    {
      about: 'a body of more than 1 MiB',
      body: `{"name":"${'x'.repeat(1024 * 1024)}"}`,
      status: 413,
      code: 'body_too_large',
    },
    { about: 'no body', body: '', status: 400, code: 'invalid_request' },
    { about: 'a list', body: '[1]', status: 400, code: 'invalid_request' },
    { about: 'a charset', body: '{"name":"x"}', type: 'application/json; charset=utf-8', status: 201, code: undefined },
  ];
  for (const { about, body, type = 'application/json', status, code } of bodies) {
    test(`answers ${about} with ${status}`, async () => {
      const control = createTestControl(await open());
      const answer = await control.call('POST', '/api/v1/keys', { body, headers: { 'content-type': type } });
      assert.deepEqual([answer.status, answer.body.code], [status, code]);
    });
  }

  test('takes a DELETE that has a content type and no body, and none with a body', async () => {
    const control = createTestControl(await open());
    const headers = { 'content-type': 'application/json' };
    assert.equal((await control.call('DELETE', '/api/v1/keys/key_1', { headers })).status, 404);
    const refused = await control.call('DELETE', '/api/v1/keys/key_1', { body: { force: true } });
    assert.deepEqual(refused.body.errors, [{ path: 'body.force', message: 'is not known here; nothing is expected' }]);
  });

  test('lists at most a hundred faults, however many there are', async () => {
    const control = createTestControl(await open());
    const body = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`field${i}`, i]));
    const answer = await control.call('POST', '/api/v1/keys', { body });
    assert.equal(answer.body.errors.length, 100);
  });

  test('refuses texts that no database keeps, and nesting without end, by their paths', async () => {
    const control = createTestControl(await open());
    const nested = JSON.stringify({ name: 'x', metadata: { deep: 0 } }).replace(
      '0',
      '['.repeat(100_000) + ']'.repeat(100_000),
    );
    const cases: [body: unknown, path: string][] = [
      [{ name: 'a\0b' }, 'body.name'],
      [{ name: 'x', metadata: { list: ['fine', 'half \uD800'] } }, 'body.metadata.list[1]'],
      [{ name: 'x', metadata: { 'a\0': 1 } }, 'body.metadata'],
      [nested, `body.metadata.deep${'[0]'.repeat(30)}`],
    ];
    for (const [body, path] of cases) {
      const answer = await control.call('POST', '/api/v1/keys', { body });
      assert.deepEqual([answer.status, answer.body.errors?.[0].path], [400, path]);
    }
    assert.equal((await control.call('GET', '/api/v1/keys?search=%00')).status, 400);
    assert.equal((await control.call('GET', '/api/v1/keys/%00')).status, 400);
  });

  test('describes itself to anybody, without an envelope', async () => {
    const control = createTestControl(await open());
    for (const path of ['/api/v1/openapi.json', '/api/openapi.json']) {
      const answer = await control.call('GET', path, { as: null });
      assert.deepEqual([answer.status, answer.body.openapi, answer.body.info.title], [200, '3.1.0', 'Tollgate']);
    }
  });

  test('refuses a cursor that was tampered with', async () => {
    const control = createTestControl(await open());
    for (const value of ['rubbish', '2026-99-99 00:00:00+00', '']) {
      const cursor = Buffer.from(JSON.stringify(['createdAt:desc', value, 'key_1'])).toString('base64url');
      const answer = await control.call('GET', `/api/v1/keys?cursor=${cursor}`);
      assert.deepEqual([answer.status, answer.body.errors?.[0].path], [400, 'query.cursor'], answer.text);
    }
  });

  test('says that it is not ready when the database is away, and logs why', async () => {
    const control = createTestControl({
      db: new Kysely({
        dialect: new PGliteDialect({
          pglite: () =>
            Promise.reject(Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:5432'), { code: 'ECONNREFUSED' })),
        }),
      }),
    });
    const answer = await control.call('GET', '/api/v1/keys');
    assert.deepEqual([answer.status, answer.body.code], [503, 'not_ready']);
    assert.doesNotMatch(answer.text, /10\.1\.2\.3/);
    assert.match(control.logged.join(''), /10\.1\.2\.3/);
  });

  test('tells nothing of a defect, but logs it with the request', async () => {
    const broken = await open('blank');
    const control = createTestControl(broken);
    const answer = await control.call('GET', '/api/v1/keys');
    assert.deepEqual([answer.status, answer.body.code], [500, 'internal_error']);
    assert.doesNotMatch(answer.text, /relation|role/);
    assert.match(control.logged.join(''), /\\" does not exist/);
    assert.match(control.logged.join(''), /"requestId":"req_1"/);
  });
});

describe('the private socket', () => {
  const folders: string[] = [];
  after(async () => {
    for (const folder of folders) await rm(folder, { recursive: true });
  });

  const ping = publicOperation({
    id: 'ping',
    method: 'GET',
    path: '/ping',
    summary: 'Ping',
    tag: 'Test',
    replies: { 200: Type.String() },
    handle: async () => ({ status: 200, data: 'pong' }),
  });

  async function openSocket(): Promise<{ path: string; server: ReturnType<typeof createControlServer> }> {
    const folder = await mkdtemp(join(tmpdir(), 'tollgate-control-'));
    folders.push(folder);
    const control = createTestControl({
      db: new Kysely({ dialect: new PGliteDialect({ pglite: () => Promise.reject(new Error('none')) }) }),
    });
    const options = {
      operations: [ping],
      services: control.services,
      controlToken: CONTROL_TOKEN,
      log: pino({ enabled: false }),
    };
    return { path: join(folder, 'control.sock'), server: createControlServer(options) };
  }

  function call(socketPath: string): Promise<number | undefined> {
    const headers = { [TOKEN_HEADER]: CONTROL_TOKEN, [CONTEXT_HEADER]: toContextHeader('req_1', {}) };
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    request({ socketPath, path: '/api/v1/ping', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
    return promise;
  }

  test('is for the owner of the process only, and answers', async () => {
    const { path, server } = await openSocket();
    await server.listen(path);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal(await call(path), 200);
    await server.close();
  });

  test('takes the place of one that a killed process left behind, and of nothing else', async () => {
    const { path, server } = await openSocket();
    // A socket file whose owner is gone: unlinked by nobody.
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(`${path}.dead`, resolve));
    await rename(`${path}.dead`, path);
    await new Promise((resolve) => dead.close(resolve));
    await server.listen(path);
    assert.equal(await call(path), 200);
    await server.close();

    const other = await openSocket();
    await writeFile(other.path, 'precious');
    await assert.rejects(other.server.listen(other.path), /is not a socket/);
    await other.server.close();
  });
});

describe('the caller', () => {
  const encode = (json: unknown): string => Buffer.from(JSON.stringify(json)).toString('base64url');
  const good = { requestId: 'req_1', address: '::1', forwarded: false, principal: null };

  test('is read as the gateway writes it', () => {
    assert.deepEqual(parseCaller(encode(good)), {
      requestId: 'req_1',
      clientAddress: '::1',
      forwarded: false,
      principal: undefined,
    });
    const principal = operatorPrincipal({ operatorId: undefined, limits: [{ window: 'day', limit: 5 }] });
    assert.deepEqual(parseCaller(encode({ ...good, principal }))?.principal, principal);
    assert.equal(parseCaller(encode({ ...good, address: 'fe80::1%ü' }))?.clientAddress, 'fe80::1%ü');
  });

  test('is nobody when anything is missing, wrong or too much', () => {
    const principal = operatorPrincipal();
    const cases = [
      null,
      [],
      { ...good, requestId: '' },
      { ...good, forwarded: 'no' },
      { ...good, principal: undefined },
      { ...good, extra: 1 },
      { ...good, principal: { ...principal, kind: 'god' } },
      { ...good, principal: { ...principal, scopes: '*' } },
      { ...good, principal: { ...principal, tenantId: undefined } },
      { ...good, principal: { ...principal, limits: [{ window: 'year', limit: 1 }] } },
      { ...good, principal: { ...principal, isAdmin: true } },
    ];
    for (const json of cases) assert.equal(parseCaller(encode(json)), undefined, JSON.stringify(json));
    for (const text of ['', '%', 'e30', '{}']) assert.equal(parseCaller(text), undefined);
  });
});
