// What services are shown of us: on the wire as it was said, and sealed everywhere else.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type TLSSocket } from 'node:tls';
import { describe, test, type TestContext } from 'node:test';
import { sql } from 'kysely';
import type { GatewayConfig, ServiceConfig } from '../src/gateway/snapshot.ts';
import { sealText } from '../src/lib/sealed-text.ts';
import { createCertificate } from './harness/certificates.ts';
import { createTestControl } from './harness/control.ts';
import { ask, createGateway, readProblem, SECRETS_KEY, startDataPlane, type DataPlane } from './harness/data-plane.ts';
import { forEachDatabase } from './harness/databases.ts';
import { startRawUpstream } from './harness/upstream.ts';
import { localReply } from '../src/gateway/exchange.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const sealed = (text: string, gatewayId = 'gw_1'): string =>
  sealText(text, { key: SECRETS_KEY, tenantId: 'ten_of_key', gatewayId }) ?? '';

async function startWith(t: TestContext, url: string, services: readonly Partial<ServiceConfig>[]): Promise<DataPlane> {
  const gateways = services.map((service, i): GatewayConfig => {
    const id = `gw_${i + 1}`;
    const one = { name: 'echo', targets: [{ url }], stripPrefix: false, ...service };
    return createGateway('', { id, name: id, routePrefix: `/${id}`, services: [one] });
  });
  const plane = await startDataPlane({ gateways });
  t.after(() => plane.close());
  return plane;
}

describe('credentials', () => {
  const rows: readonly (readonly [said: NonNullable<ServiceConfig['credentials']>, line: string])[] = [
    [{ type: 'bearer', token: sealed('t-1') }, 'authorization: Bearer t-1'],
    [
      { type: 'basic', username: 'ada', password: sealed('pä:ss') },
      `authorization: Basic ${Buffer.from('ada:pä:ss').toString('base64')}`,
    ],
    [{ type: 'header', name: 'x-api-key', value: sealed('k-1') }, 'x-api-key: k-1'],
  ];
  for (const [credentials, line] of rows) {
    test(`are sent in place of whatever a caller sends there: ${credentials.type}`, async (t) => {
      const upstream = await startRawUpstream((socket) => void socket.write(OK));
      t.after(() => upstream.close());
      const plane = await startWith(t, upstream.url, [{ credentials }]);
      const own = 'Authorization: Bearer mine\r\nX-API-Key: mine\r\nx_api_key: mine\r\n';
      assert.equal((await ask(plane.port, `GET /gw_1/ HTTP/1.1\r\nHost: h\r\n${own}\r\n`)).status, 200);
      const name = line.slice(0, line.indexOf(':'));
      const sent = upstream.heads[0]
        ?.split('\r\n')
        .filter((field) => field.toLowerCase().replaceAll('_', '-').startsWith(`${name}:`));
      assert.deepEqual(sent, [line]);
    });
  }

  test('that cannot be opened keep the service from being called, and others from nothing', async (t) => {
    const upstream = await startRawUpstream((socket) => void socket.write(OK));
    t.after(() => upstream.close());
    const plane = await startWith(t, upstream.url, [
      { credentials: { type: 'bearer', token: sealed('t', 'gw_of_others') } },
      { tls: { key: 'sealed:AAAA', certificate: 'x' } },
      {},
    ]);
    for (const prefix of ['/gw_1', '/gw_2']) {
      const { status, body } = await ask(plane.port, `GET ${prefix}/ HTTP/1.1\r\nHost: h\r\n\r\n`);
      assert.deepEqual([status, readProblem(localReply(status, [], body))['code']], [503, 'upstream_locked']);
    }
    assert.equal((await ask(plane.port, 'GET /gw_3/ HTTP/1.1\r\nHost: h\r\n\r\n')).status, 200);
    assert.equal(upstream.heads.length, 1);
  });
});

describe('a certificate', () => {
  const server = createCertificate(['localhost']);
  const client = createCertificate(['client.example']);

  /** Tells whom it saw: the name in the certificate, or nobody. */
  async function startTls(t: TestContext): Promise<{ url: string; seen: string[] }> {
    const seen: string[] = [];
    const terms = { cert: server.certificate, key: server.key, requestCert: true, rejectUnauthorized: false };
    const upstream = createServer(terms, (socket: TLSSocket) => {
      const shown = socket.getPeerCertificate();
      const who = 'subject' in shown ? (shown.subject?.CN ?? 'nobody') : 'nobody';
      socket.on('error', () => undefined);
      socket.on('data', () => {
        seen.push(String(who));
        socket.write(OK);
      });
    });
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    t.after(() => upstream.close());
    const address = upstream.address();
    assert.ok(address !== null && typeof address === 'object');
    return { url: `https://127.0.0.1:${address.port}`, seen };
  }

  test('is shown to the targets, on connections that no other gateway gets', async (t) => {
    const { url, seen } = await startTls(t);
    const trust = { ca: server.certificate, serverName: 'localhost' };
    const plane = await startWith(t, url, [
      { tls: { ...trust, certificate: client.certificate, key: sealed(client.key) } },
      { tls: trust },
    ]);
    for (const prefix of ['/gw_1', '/gw_2', '/gw_1', '/gw_2']) {
      assert.equal((await ask(plane.port, `GET ${prefix}/ HTTP/1.1\r\nHost: h\r\n\r\n`)).status, 200);
    }
    assert.deepEqual(seen, ['client.example', 'nobody', 'client.example', 'nobody']);
  });

  test('of a target must be of those who are trusted, for the name that was said', async (t) => {
    const { url, seen } = await startTls(t);
    const plane = await startWith(t, url, [{}, { tls: { ca: server.certificate, serverName: 'other.example' } }]);
    for (const prefix of ['/gw_1', '/gw_2']) {
      assert.equal((await ask(plane.port, `GET ${prefix}/ HTTP/1.1\r\nHost: h\r\n\r\n`)).status, 502);
    }
    assert.deepEqual(seen, []);
  });
});

forEachDatabase('secrets of services', (open) => {
  const pair = createCertificate(['client.example']);
  const SECRETS = ['top-secret-token', 'top-secret-password', 'top-secret-key'];
  const targets = [{ url: 'https://h' }];
  const upstreamServices = [
    { name: 'a', targets, credentials: { type: 'bearer', token: SECRETS[0] } },
    { name: 'b', targets, credentials: { type: 'basic', username: 'ada', password: SECRETS[1] } },
    {
      name: 'c',
      targets,
      credentials: { type: 'api_key', header: 'X-Key', key: SECRETS[2] },
      tls: { certificate: pair.certificate, key: pair.key },
    },
  ];
  const endpoints = [{ method: 'GET', path: '/x', service: 'a' }];

  test('stand nowhere in clear: not in the database, an answer, the audit log or a snapshot', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const texts: string[] = [];
    const call = async (method: 'GET' | 'POST' | 'PUT', path: string, body?: object) => {
      const answer = await control.call(method, `/api/v1${path}`, body && { body });
      assert.ok(answer.status < 300, answer.text);
      texts.push(answer.text);
      return answer.body.data;
    };
    const { id } = await call('POST', '/gateways', { name: 'shop', upstreamServices });
    await call('POST', `/gateways/${id}/endpoints`, endpoints[0]);
    await call('POST', `/gateways/${id}/deploy`);
    await call('PUT', `/gateways/${id}`, { description: 'other' });
    for (const path of ['', '/declaration', '/diff', '/revisions/1', '/revisions'])
      await call('GET', `/gateways/${id}${path}`);
    await call('POST', '/gateways/apply', { gateways: [{ name: 'two', upstreamServices, endpoints }], dryRun: true });
    await call('POST', '/gateways/apply', { gateways: [{ name: 'two', upstreamServices, endpoints }] });
    await call('GET', '/audit-logs');
    texts.push(JSON.stringify(control.dataPlane.published));
    for (const table of ['gateways', 'revisions', 'audit_logs', 'events']) {
      texts.push(JSON.stringify((await sql`select * from ${sql.table(table)}`.execute(db)).rows));
    }
    const all = texts.join('\n');
    assert.ok(all.includes('sealed:'));
    const [, firstLine = ''] = pair.key.split('\n');
    for (const secret of [...SECRETS, firstLine]) assert.ok(!all.includes(secret), secret);
  });

  test('stay when they are sent back as they were shown, and when they are sent again in clear', async () => {
    const control = createTestControl(await open());
    const made = await control.call('POST', '/api/v1/gateways', { body: { name: 'shop', upstreamServices } });
    const { id, upstreamServices: shown } = made.body.data;
    for (const body of [{ upstreamServices: shown }, { upstreamServices }]) {
      const put = await control.call('PUT', `/api/v1/gateways/${id}`, { body });
      assert.deepEqual([put.status, put.body.data.upstreamServices], [200, shown]);
    }
    const apply = { gateways: [{ name: 'shop', upstreamServices, endpoints }] };
    assert.equal((await control.call('POST', '/api/v1/gateways/apply', { body: apply })).body.data.isApplied, true);
    const again = await control.call('POST', '/api/v1/gateways/apply', { body: apply });
    assert.deepEqual(again.body.data.plan, []);
  });

  test('of another gateway are refused: who may read one cannot make a service of theirs use it', async () => {
    const control = createTestControl(await open());
    const made = await control.call('POST', '/api/v1/gateways', { body: { name: 'shop', upstreamServices } });
    const [stolen] = made.body.data.upstreamServices;
    const answer = await control.call('POST', '/api/v1/gateways', {
      body: { name: 'mine', upstreamServices: [stolen] },
    });
    assert.equal(answer.status, 400);
    assert.deepEqual(
      answer.body.errors.map(({ path }: { path: string }) => path),
      ['body.upstreamServices[0].credentials.token'],
    );
  });

  test('are refused with every fault when they do not make sense', async () => {
    const control = createTestControl(await open());
    const other = createCertificate(['other.example']);
    const wrong = [
      { credentials: { type: 'bearer', password: 'x' } },
      { credentials: { type: 'basic', password: 'x' } },
      { credentials: { type: 'api_key', header: 'Content-Length', key: 'a b' } },
      { tls: { certificate: pair.certificate } },
      { tls: { certificate: pair.certificate, key: other.key } },
      { tls: { ca: '-----BEGIN CERTIFICATE-----\nno\n' } },
    ];
    const services = wrong.map((more, i) => Object.assign({ name: `s${i}`, targets }, more));
    const answer = await control.call('POST', '/api/v1/gateways', {
      body: { name: 'shop', upstreamServices: services },
    });
    assert.equal(answer.status, 400);
    const paths = answer.body.errors.map(({ path }: { path: string }) => path.replace('body.upstreamServices', ''));
    assert.deepEqual(paths.toSorted(), [
      '[0].credentials.password',
      '[0].credentials.token',
      '[1].credentials.username',
      '[2].credentials.header',
      '[2].credentials.key',
      '[3].tls.key',
      '[4].tls.key',
      '[5].tls.ca',
    ]);
  });
});
