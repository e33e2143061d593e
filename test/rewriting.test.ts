// What a service makes of requests and answers, on real sockets.

import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { checkSnapshot, type ServiceConfig } from '../src/gateway/snapshot.ts';
import { ask, createEndpoint, createGateway, createKey, startDataPlane, valuesOf } from './harness/data-plane.ts';
import { startRawUpstream } from './harness/upstream.ts';

const key = createKey({
  principal: {
    kind: 'key',
    tenantId: 'ten_of_key',
    keyId: 'key_7',
    operatorId: undefined,
    name: 'partner',
    scopes: [],
    limits: [],
    clientId: 'cli_7',
  },
});

interface Told {
  /** What the upstream got, its first line and its fields in lower case. */
  readonly line: string;
  readonly fields: readonly string[];
  readonly answer: readonly string[];
  readonly status: number;
}

async function exchange(
  t: TestContext,
  service: Partial<ServiceConfig>,
  {
    target = '/',
    headers = [],
    isOpen = false,
  }: { target?: string; headers?: readonly string[]; isOpen?: boolean } = {},
): Promise<Told> {
  const upstream = await startRawUpstream((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nServer: secret/1.0\r\nX-Kind: theirs\r\n\r\n');
  });
  t.after(() => upstream.close());
  const services = [{ name: 'echo', targets: [{ url: `${upstream.url}/base` }], stripPrefix: true, ...service }];
  const policies = isOpen ? [] : [{ name: 'api-key', config: {} }];
  const gateway = createGateway('', { services, endpoints: [createEndpoint({ policies })], routePrefix: '/shop' });
  const plane = await startDataPlane({ gateways: [gateway], keys: [key] });
  t.after(() => plane.close());
  const request = [
    `GET /shop${target} HTTP/1.1`,
    'Host: api.example.com',
    ...(isOpen ? [] : [`X-API-Key: ${key.text}`]),
    ...headers,
  ];
  const answer = await ask(plane.port, [...request, '', ''].join('\r\n'));
  const [line = '', ...fields] = upstream.heads[0]?.split('\r\n') ?? [];
  return {
    line,
    fields: fields.map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase())),
    answer: answer.headers,
    status: answer.status,
  };
}

describe('a path', () => {
  const pathRewrite = [{ pattern: '^/users/(\\d+)', replacement: '/v1/people/$1' }];

  test('goes to the service rewritten, below the base path of its target, with its query', async (t) => {
    const { line } = await exchange(t, { pathRewrite }, { target: '/users/7/pets?limit=/users/1' });
    assert.equal(line, 'GET /base/v1/people/7/pets?limit=/users/1 HTTP/1.1');
  });

  test('goes as it came where no rule matches', async (t) => {
    const { line } = await exchange(t, { pathRewrite }, { target: '/users/x%2Fy' });
    assert.equal(line, 'GET /base/users/x%2Fy HTTP/1.1');
  });

  test('does not go where a caller made dot segments of it', async (t) => {
    const made = await exchange(
      t,
      { pathRewrite: [{ pattern: '^/up/x', replacement: '/..' }] },
      { target: '/up/x/admin' },
    );
    assert.deepEqual([made.status, made.line], [400, '']);
  });
});

describe('the fields of a request', () => {
  const requestFields = {
    drop: ['x-client', 'x-secret'],
    put: [
      { name: 'x-client', value: '{clientId}' },
      { name: 'x-about', value: '{keyId} of {tenantId} at {gatewayId}/{endpointId} by {method} {path} {{}}' },
      { name: 'x-more', value: 'ours' },
    ],
  };

  test('are set, added and removed, with values of the request', async (t) => {
    const headers = ['X-Client: forged', 'x_client: forged', 'X-Secret: 1', 'X-More: theirs'];
    const { fields } = await exchange(t, { requestFields }, { headers });
    const own = fields.filter((field) => /^x[-_](?:client|about|more|secret)/.test(field));
    assert.deepEqual(own, [
      'x-more: theirs',
      'x-client: cli_7',
      'x-about: key_7 of ten_of_key at gw_1/ep_1 by GET /shop/ {}',
      'x-more: ours',
    ]);
  });

  test('that come to nothing are left out, and nobody can put their own in their place', async (t) => {
    const headers = ['X-Client: forged', 'X_Client: forged'];
    const { fields } = await exchange(t, { requestFields }, { headers, isOpen: true });
    assert.deepEqual(
      fields.filter((field) => /^x.client/.test(field)),
      [],
    );
  });
});

test('the fields of an answer are set, added and removed', async (t) => {
  const responseFields = {
    drop: ['server', 'x-kind'],
    put: [
      { name: 'x-kind', value: 'ours' },
      { name: 'x-asked', value: '{requestId}' },
    ],
  };
  const { answer } = await exchange(t, { responseFields });
  const id = valuesOf(answer, 'x-request-id');
  const got = ['server', 'x-kind', 'x-asked'].map((name) => valuesOf(answer, name));
  assert.deepEqual(got, [[], ['ours'], id]);
});

describe('the host that a service reads', () => {
  const rows: readonly (readonly [host: string, read: RegExp])[] = [
    ['caller', /^host: api\.example\.com$/],
    ['orders.internal:8080', /^host: orders\.internal:8080$/],
  ];
  for (const [host, read] of rows) {
    test(`is as the service says: ${host}`, async (t) => {
      const { fields } = await exchange(t, { host });
      const hosts = fields.filter((field) => field.startsWith('host:'));
      assert.equal(hosts.length, 1);
      assert.match(hosts[0] ?? '', read);
    });
  }

  test('is that of the target unless told', async (t) => {
    const { fields } = await exchange(t, {});
    assert.match(fields.find((field) => field.startsWith('host:')) ?? '', /^host: 127\.0\.0\.1:\d+$/);
  });
});

test('a snapshot that would rewrite what it must not is refused', () => {
  const put = (name: string, value: string) => ({ drop: [], put: [{ name, value }] });
  const rows: readonly (readonly [Partial<ServiceConfig>, string])[] = [
    [{ pathRewrite: [{ pattern: '(?<=a)b', replacement: '' }] }, 'pathRewrite[0]'],
    [{ requestFields: put('Content-Length', '0') }, 'requestFields'],
    [{ requestFields: put('x_forwarded_for', '127.0.0.1') }, 'requestFields'],
    [{ requestFields: put('x', '{password}') }, 'requestFields'],
    [{ responseFields: { drop: ['Transfer-Encoding'], put: [] } }, 'responseFields'],
    [{ host: 'a b' }, 'host'],
  ];
  for (const [service, path] of rows) {
    const services = [{ name: 'echo', targets: [{ url: 'http://h' }], stripPrefix: false, ...service }];
    const faults = checkSnapshot({ version: 1, gateways: [createGateway('', { services })] }, []);
    assert.deepEqual(
      faults.map((fault) => fault.path),
      [`gateways[0].services[0].${path}`],
    );
  }
  const services = [
    { name: 'echo', targets: [{ url: 'http://h' }], stripPrefix: false, requestFields: put('x', 'a\r\nb: c') },
  ];
  assert.notDeepEqual(checkSnapshot({ version: 1, gateways: [createGateway('', { services })] }, []), []);
});
